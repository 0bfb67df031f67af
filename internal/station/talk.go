package station

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"unicode"

	"levee/actions"
)

// talk is the message line that all sessions share: what the dispatcher
// reports and what people say, numbered as one.
type talk struct {
	mu   sync.Mutex
	seq  uint64
	took uint64 // newest notice of the dispatcher taken over
	last []actions.Notice
}

// talkMost is how many messages are kept.
const talkMost = 200

// saidMost bounds what one person says at once, in characters.
const saidMost = 200

func (t *talk) add(n actions.Notice) {
	t.seq++
	n.Seq = t.seq
	t.last = append(t.last, n)
	if len(t.last) > 2*talkMost {
		t.last = slices.Clone(t.last[len(t.last)-talkMost:])
	}
}

// Notices returns the messages after the one numbered since, oldest first, at
// most 200.
func (s *Station) Notices(since uint64) []actions.Notice {
	s.talk.mu.Lock()
	defer s.talk.mu.Unlock()
	s.listen()
	i := len(s.talk.last)
	for i > 0 && s.talk.last[i-1].Seq > since && len(s.talk.last)-i < talkMost {
		i--
	}
	return slices.Clone(s.talk.last[i:])
}

// listen takes over what the dispatcher reported meanwhile. The caller holds
// the talk's lock.
func (s *Station) listen() {
	for _, n := range s.dispatcher.Notices(s.talk.took) {
		s.talk.took = n.Seq
		s.talk.add(n)
	}
}

// tell puts a message on everybody's line.
func (s *Station) tell(level, text string) {
	s.talk.mu.Lock()
	defer s.talk.mu.Unlock()
	s.listen()
	s.talk.add(actions.Notice{Time: s.o.Now(), Level: level, Text: text})
}

// Announce tells every session something that concerns all, such as the end
// of the service. level is info, warn or error.
func (s *Station) Announce(level, text string) { s.tell(level, said(text)) }

// Say shows text on the message line of every session, with the speaker's
// name. Control characters don't get through; what is longer than 200
// characters is cut.
func (o *Operator) Say(text string) error {
	a, err := o.who()
	if err != nil {
		return err
	}
	if text = said(text); text == "" {
		return errors.New("say: nothing to say; write levee say TEXT")
	}
	o.s.tell("info", a.Name+" says: "+text)
	return nil
}

// said makes text one harmless line.
func said(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > saidMost {
		runes = append(runes[:saidMost], '…')
	}
	return string(runes)
}
