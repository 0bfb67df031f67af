package detect

import "slices"

// bystanders are the agents of apps that are usual in a service and had no part
// in an attack when it was found. Their users may ask what the attack asks.
type bystanders [8]uint16

// bystanders lists the usual apps that make no more of what c takes than they
// usually do, or less than a tenth of what is above the usual.
func (e *Engine) bystanders(c *cause) (b bystanders) {
	w := &e.work
	e.tabulateApps()
	more, part := map[uint16]float64{}, map[uint16]float64{}
	for i := range w.recent {
		if x := &w.recent[i]; c.takes(x) {
			more[x.f.agent] += x.weight
		}
	}
	for i := range w.base {
		if x := &w.base[i]; c.takes(x) {
			part[x.f.agent] += x.weight
		}
	}
	var ids []uint16
	for id, usual := range w.apps {
		if usual >= w.common && more[id] <= 1.5*part[id]+0.1*(c.rate-c.usual) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	copy(b[:], ids)
	return b
}

func (b *bystanders) has(agent uint16) bool {
	return agent != 0 && slices.Contains(b[:], agent)
}
