package detect

import "fmt"

// Dimensions along which attribution looks for what an excess has in common.
const (
	dimRoute uint8 = iota
	dimMethod
	dimQuery
	dimShape
	dimAgent
	dimRefer
	dimHeaders
	dimProto
	dimStatus
	dimNet
	dimASN
	dimCountry
	dims
)

// rule is a conjunction: for each dimension in set the value must agree.
type rule struct {
	set  uint16
	vals [dims]uint64
}

func (r *rule) has(d uint8) bool { return r.set&(1<<d) != 0 }

func (r rule) with(d uint8, v uint64) rule {
	r.set |= 1 << d
	r.vals[d] = v
	return r
}

// Values of dimQuery.
const (
	valAbsent uint64 = iota
	valRandom
	valOther
	valFresh
)

func value(f *feature, k sourceKey, d uint8) uint64 {
	switch d {
	case dimRoute:
		return uint64(f.route)
	case dimMethod:
		return uint64(f.method)
	case dimQuery:
		switch {
		case f.query == queryAbsent:
			return valAbsent
		case f.query&queryRandom != 0:
			return valRandom
		case f.query&queryFresh != 0:
			return valFresh
		}
		return valOther
	case dimShape:
		return uint64(f.shape)
	case dimAgent:
		return uint64(f.agent)
	case dimRefer:
		return uint64(f.refer)
	case dimHeaders:
		return uint64(f.headers)
	case dimProto:
		return uint64(f.proto)
	case dimStatus:
		if f.status == 499 {
			return 408 // given up by the client or by the server: never finished
		}
		return uint64(f.status)
	case dimNet:
		return k.net().hash()
	case dimASN:
		return uint64(f.asn)
	case dimCountry:
		return uint64(f.country)
	}
	return 0
}

// speaks reports whether a value says anything: 0 stands for rare or unknown
// ones in most dimensions.
func speaks(d uint8, v uint64) bool {
	switch d {
	case dimQuery, dimRefer, dimNet:
		return true
	case dimStatus:
		return v == 401 || v == 403 || v == 404 || v == 408 || v == 400
	}
	return v != 0
}

// matches reports whether a request obeys the rule.
func (r *rule) matches(f *feature, k sourceKey) bool {
	if r.has(dimRoute) && uint64(f.route) != r.vals[dimRoute] {
		return false
	}
	for d, left := uint8(1), r.set>>1; left != 0; d, left = d+1, left>>1 {
		if left&1 == 0 {
			continue
		}
		got, want := value(f, k, d), r.vals[d]
		if got != want && (d != dimQuery || want != valFresh || got != valRandom) {
			return false
		}
	}
	return true
}

// signature puts a rule into words.
func (e *Engine) signature(r *rule, example *sample) Signature {
	var s Signature
	for d := range dims {
		if !r.has(d) {
			continue
		}
		v := r.vals[d]
		switch d {
		case dimRoute:
			s.Path = e.routeWords.name(uint16(v))
		case dimMethod:
			s.Method = methodNames[v]
		case dimQuery:
			switch v {
			case valAbsent:
				s.Query = "absent"
			case valRandom, valFresh:
				s.Query = "random"
			}
		case dimShape:
			if s.Query == "" {
				s.Query = e.shapes.name(uint16(v))
			}
		case dimAgent:
			s.UserAgent = e.agents.name(uint16(v))
		case dimRefer:
			switch uint16(v) {
			case referNone:
				s.Referer = "absent"
			case referOwn:
				s.Referer = "own site"
			default:
				s.Referer = e.refers.name(uint16(v) - referOthers)
			}
		case dimHeaders:
			s.Headers = fmt.Sprintf("%08x", v)
		case dimProto:
			s.HTTPVersion = protoNames[v]
		case dimStatus:
			s.Status = fmt.Sprint(v)
			if v == 408 {
				s.Status = "408,499"
			}
		case dimNet:
			if example != nil {
				s.Prefix = example.key.netPrefix().String()
			}
		case dimASN:
			s.ASN = fmt.Sprintf("AS%d", v)
		case dimCountry:
			s.Country = string([]byte{byte(v >> 8), byte(v)})
		}
	}
	return s
}
