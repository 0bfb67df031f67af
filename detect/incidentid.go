package detect

import "strings"

// ShortID is the incident's ID without its service, as people type it.
func (in *Incident) ShortID() string { return strings.TrimPrefix(in.ID, in.Service+"-") }

// IncidentID returns the ID of the one incident in s that people may have meant
// by text, its ID or ShortID; text itself when there is none, or several.
func (s *Snapshot) IncidentID(text string) string {
	found := ""
	for i := range s.Incidents {
		switch in := &s.Incidents[i]; {
		case in.ID == text:
			return text
		case in.ShortID() != text:
		case found != "":
			return text
		default:
			found = in.ID
		}
	}
	if found == "" {
		return text
	}
	return found
}
