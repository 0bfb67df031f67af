package detect

import "testing"

func TestIncidentID(t *testing.T) {
	one, two := Incident{ID: "shop.example.com-20260314T031207Z-1", Service: "shop.example.com"}, Incident{ID: "api.example.com-20260314T031207Z-2", Service: "api.example.com"}
	twin := Incident{ID: "www.example.com-20260314T031207Z-1", Service: "www.example.com"}
	for _, c := range []struct {
		have       []Incident
		text, want string
	}{
		{[]Incident{one, two}, one.ID, one.ID},
		{[]Incident{one, two}, "20260314T031207Z-2", two.ID},
		{[]Incident{one, twin}, "20260314T031207Z-1", "20260314T031207Z-1"}, // of which?
		{[]Incident{one}, "z-1", "z-1"},
		{nil, one.ID, one.ID},
	} {
		s := Snapshot{Incidents: c.have}
		if got := s.IncidentID(c.text); got != c.want {
			t.Errorf("%q is %q, want %q", c.text, got, c.want)
		}
	}
}
