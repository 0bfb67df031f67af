package station

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
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
	of   map[string]*breath // by speaker
}

// breath is what somebody may say before they must wait.
type breath struct {
	said float64
	at   time.Time
}

// One person says so many things at once, then one a so long time: the line is
// everybody's, and warnings stand on it too.
const (
	breathMost  = 10
	breathEvery = 3 * time.Second
)

// mayTalk reports whether that person may say one thing more, and counts it.
func (t *talk) mayTalk(name string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[string]*breath{}
	}
	b := t.of[name]
	if b == nil {
		b = &breath{at: now}
		t.of[name] = b // of people of levee.yaml and of this machine: a bounded number
	}
	b.said = max(0, b.said-max(0, now.Sub(b.at).Seconds())/breathEvery.Seconds())
	b.at = now
	if b.said > breathMost-1 {
		return false
	}
	b.said++
	return true
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
	if !o.s.talk.mayTalk(a.Name, o.s.o.Now()) {
		return errors.New("say: that is more than the others can read; wait a few seconds")
	}
	o.s.tell("say", a.Name+" says: "+text)
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
