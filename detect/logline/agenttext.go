package logline

import "bytes"

// agentText is text for user agents, which some formats write with plus signs
// or percent escapes for blanks.
func (p *Parser) agentText(b []byte) []byte {
	switch {
	case absent(b):
		return nil
	case p.escapes == plusSigns && bytes.IndexByte(b, '+') >= 0:
		d := append(p.arena.reserve(len(b)), b...)
		for i, c := range d {
			if c == '+' {
				d[i] = ' '
			}
		}
		return p.text(p.arena.commit(d))
	case p.escapes == percents && bytes.IndexByte(b, '%') >= 0:
		d := p.arena.commit(appendUnpercented(p.arena.reserve(len(b)), b))
		if isPlain(d) {
			return d
		}
		return p.rewrite(d)
	}
	return p.text(b)
}

// appendUnpercented decodes %NN.
func appendUnpercented(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) {
			if hi, lo := unhex(b[i+1]), unhex(b[i+2]); hi <= 15 && lo <= 15 {
				dst = append(dst, hi<<4|lo)
				i += 2
				continue
			}
		}
		dst = append(dst, b[i])
	}
	return dst
}
