package detect

import "net/netip"

// detail is what is kept of a suspect for people to read: its last requests
// and its second-by-second history.
type detail struct {
	key      sourceKey
	evidence []Evidence
	history  [60]uint16
	last     int64
	kept     [detailSamples]sample
	n        uint32
	noted    int64
	inSecond uint8
}

const (
	detailSamples = 12
)

// giveDetail finds a detail for s, if one is free.
func (e *Engine) giveDetail(s *source) {
	if n := len(e.freeDetail); n > 0 {
		s.detail = e.freeDetail[n-1]
		e.freeDetail = e.freeDetail[:n-1]
		d := &e.details[s.detail]
		d.key, d.evidence, d.history, d.last, d.n = s.key, nil, [60]uint16{}, e.sec, 0
	}
}

func (e *Engine) dropDetail(s *source) {
	if s.detail != 0 {
		e.freeDetail = append(e.freeDetail, s.detail)
		s.detail = 0
	}
}

// note keeps a request of a suspect: all of a quiet one's, a few a second of a loud one's.
func (e *Engine) note(r *Request, s *source, f *feature) {
	d := &e.details[s.detail]
	if gap := e.sec - d.last; gap > 0 {
		for i := int64(1); i <= min(gap, 60); i++ {
			d.history[(d.last+i)%60] = 0
		}
		d.last = e.sec
	}
	sat16(&d.history[e.sec%60])
	if d.noted != e.sec {
		d.noted, d.inSecond = e.sec, 0
	}
	if d.inSecond >= 3 {
		return
	}
	d.inSecond++
	d.kept[d.n%detailSamples].set(r, f, s.key)
	d.n++
}

// fill names the path and agent of the latest request in full.
func (d *detail) fill(v *Suspect) {
	if d.n == 0 {
		return
	}
	k := &d.kept[(d.n-1)%detailSamples]
	if v.TopPath == "" {
		v.TopPath = string(k.target[:k.nt])
	}
	if v.TopAgent == "" {
		v.TopAgent = string(k.agentTxt[:k.na])
	}
}

// Source returns what is known of p.
func (e *Engine) Source(p netip.Prefix) SourceView {
	k, _ := keyOf(p.Addr())
	if !singleClient(p) {
		v := e.prefixView(p)
		v.Neighbours = e.neighbours(k, 20)
		return v
	}
	v := SourceView{Suspect: Suspect{Key: p.Masked(), Addr: p.Addr(), Measure: Observe}, Neighbours: e.neighbours(k, 20)}
	i := e.sources.find(k, k.hash())
	if i < 0 {
		e.recentOf(k, &v)
		return v
	}
	s := &e.sources.entries[i]
	v.Suspect = e.suspect(s)
	v.UsualShare = e.usualShare(s)
	v.Known = true
	v.History = make([]uint16, 60)
	if s.detail != 0 {
		d := &e.details[s.detail]
		for j := range v.History {
			if t := e.sec - 59 + int64(j); t <= d.last && t > d.last-60 {
				v.History[j] = d.history[t%60]
			}
		}
		for j := uint32(0); j < min(d.n, detailSamples); j++ {
			v.Recent = append(v.Recent, d.kept[(d.n-1-j)%detailSamples].view(v.Service))
		}
	} else {
		for j := int64(0); j < ringSeconds-1; j++ {
			v.History[59-j] = uint16(s.hitsAt(e.sec - j))
		}
		e.recentOf(k, &v)
	}
	v.Statuses, v.PathShares = shares(v.Recent)
	return v
}

func (s *source) hitsAt(t int64) int {
	if t <= s.last && t > s.last-ringSeconds {
		return int(s.ring[t%ringSeconds])
	}
	return 0
}

// recentOf picks a source's requests out of the last minute's samples.
func (e *Engine) recentOf(k sourceKey, v *SourceView) {
	for i := int64(0); i < recentSeconds && len(v.Recent) < 50; i++ {
		s := &e.slots[(e.sec-i+recentSeconds)%recentSeconds]
		if s.sec != e.sec-i {
			continue
		}
		for j := range s.kept[:s.n] {
			if s.kept[j].key == k && len(v.Recent) < 50 {
				v.Recent = append(v.Recent, s.kept[j].view(""))
			}
		}
	}
}

// shares counts the statuses and paths of some requests.
func shares(list []Sample) (status, paths []Share) {
	add := func(to []Share, name string) []Share {
		for i := range to {
			if to[i].Name == name {
				to[i].Count++
				return to
			}
		}
		return append(to, Share{Name: name, Count: 1})
	}
	for _, s := range list {
		status = add(status, statusText(s.Status))
		path := s.Target
		for i := range path {
			if path[i] == '?' {
				path = path[:i]
				break
			}
		}
		paths = add(paths, path)
	}
	for _, l := range [][]Share{status, paths} {
		for i := range l {
			l[i].Share = float64(l[i].Count) / float64(len(list))
		}
		sortShares(l)
	}
	return status, paths
}
