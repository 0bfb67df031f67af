package detect

import "fmt"

// account counts the refused logins of one account, where the log names it: a
// password guessed from many addresses shows here and at no single address.
type account struct {
	hash    uint64
	minute  int64
	sources uint64 // bitmap of who tried
	fails   uint16
	service uint8
	n       uint8
	name    [64]byte
}

// countAccount notes a refused login. Accounts fade by half every ten minutes;
// one that nobody tries gives its place to the next.
func (e *Engine) countAccount(user []byte, s *source) {
	h := hashBytes(user, saltAccount^uint64(s.service)<<8^e.opt.Seed)
	a := &e.accounts[h&uint64(len(e.accounts)-1)]
	m := e.sec / 600
	if a.hash != h {
		if a.fails > 1 && m <= a.minute+1 {
			a.fails--
			return
		}
		*a = account{hash: h, minute: m, service: s.service}
		a.n = uint8(copy(a.name[:], user))
	}
	if m != a.minute {
		a.fails /= 2
		if m > a.minute+1 {
			a.fails = 0
		}
		a.sources, a.minute = 0, m
	}
	sat16(&a.fails)
	a.sources |= bit(s.key.hash())
}

// accountEvidence names the account of a service that is tried most, when
// several addresses try it.
func (e *Engine) accountEvidence(svc uint8) (Evidence, bool) {
	var most *account
	for i := range e.accounts {
		a := &e.accounts[i]
		if a.service == svc && a.fails >= 5 && a.minute >= e.sec/600-1 && (most == nil || a.fails > most.fails) {
			most = a
		}
	}
	if most == nil {
		return Evidence{}, false
	}
	return Evidence{Signal: "account", Text: fmt.Sprintf("account %q: %d refused logins from about %d addresses", most.name[:most.n], most.fails, distinct64(most.sources)), Points: 10}, true
}
