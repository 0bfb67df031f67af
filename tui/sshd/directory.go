package sshd

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"levee/actions"
)

// User is a person who may sign in.
type User struct {
	Name string
	Role actions.Role
	Keys []gossh.PublicKey
}

// Directory says who may sign in. It is never changed once a server has it.
type Directory struct {
	Users       []User
	Authorities []gossh.PublicKey // sign certificates of users named in Users
}

// ParseKeys reads public keys as authorized_keys files hold them.
func ParseKeys(lines []string) ([]gossh.PublicKey, error) {
	var out []gossh.PublicKey
	for _, l := range lines {
		k, _, options, _, err := gossh.ParseAuthorizedKey([]byte(l))
		if err != nil {
			return nil, fmt.Errorf("public key %.40q: %w", l, err)
		}
		if len(options) > 0 {
			return nil, fmt.Errorf("public key %.40q: options such as %q mean nothing here; leave the key alone", l, options[0])
		}
		if err := modern(k); err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

// modern refuses keys that are too weak to prove anything.
func modern(k gossh.PublicKey) error {
	switch k.Type() {
	case gossh.KeyAlgoED25519, gossh.KeyAlgoSKED25519, gossh.KeyAlgoECDSA256, gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521, gossh.KeyAlgoSKECDSA256:
		return nil
	case gossh.KeyAlgoRSA:
		if c, ok := k.(gossh.CryptoPublicKey); ok {
			if r, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok && r.N.BitLen() >= 2048 {
				return nil
			}
		}
		return errors.New("an RSA key of fewer than 2048 bits proves nothing; make another with ssh-keygen -t ed25519")
	}
	return fmt.Errorf("keys of type %s are not taken; make one with ssh-keygen -t ed25519", k.Type())
}

// errUnknown is all that a stranger is told.
var errUnknown = errors.New("no such user and key")

// check returns the user that key proves, now and from that address.
func (d *Directory) check(name string, key gossh.PublicKey, from netip.Addr, now time.Time) (User, error) {
	i := slices.IndexFunc(d.Users, func(u User) bool { return u.Name == name })
	if i < 0 {
		return User{}, errUnknown
	}
	u := d.Users[i]
	cert, ok := key.(*gossh.Certificate)
	if !ok {
		if err := modern(key); err != nil {
			return User{}, err
		}
		if !slices.ContainsFunc(u.Keys, func(k gossh.PublicKey) bool { return bytes.Equal(k.Marshal(), key.Marshal()) }) {
			return User{}, errUnknown
		}
		return u, nil
	}
	if err := d.checkCertificate(name, cert, from, now); err != nil {
		return User{}, err
	}
	return u, nil
}

// refusedCertificate is why a certificate that a trusted authority signed lets
// nobody in: something that whoever runs levee wants to know, and a stranger
// can't provoke at will.
type refusedCertificate struct{ error }

// checkCertificate follows OpenSSH's PROTOCOL.certkeys.
func (d *Directory) checkCertificate(name string, cert *gossh.Certificate, from netip.Addr, now time.Time) error {
	if cert.CertType != gossh.UserCert {
		return errors.New("the certificate is none of a user")
	}
	if err := modern(cert.Key); err != nil {
		return err
	}
	if !slices.ContainsFunc(d.Authorities, func(k gossh.PublicKey) bool { return bytes.Equal(k.Marshal(), cert.SignatureKey.Marshal()) }) {
		return errUnknown
	}
	if len(cert.ValidPrincipals) == 0 {
		return refusedCertificate{errors.New("the certificate names no principal: it would be good for everybody")}
	}
	checker := gossh.CertChecker{SupportedCriticalOptions: []string{"source-address"}, Clock: func() time.Time { return now }}
	if err := checker.CheckCert(name, cert); err != nil {
		return refusedCertificate{err}
	}
	if allowed, ok := cert.CriticalOptions["source-address"]; ok && !within(allowed, from) {
		return refusedCertificate{errors.New("the certificate is not valid from this address")}
	}
	return nil
}

// within reports whether one of the addresses and prefixes in list holds a.
func within(list string, a netip.Addr) bool {
	for _, s := range strings.Split(list, ",") {
		if p, err := netip.ParsePrefix(s); err == nil && p.Contains(a) {
			return true
		}
		if b, err := netip.ParseAddr(s); err == nil && b == a {
			return true
		}
	}
	return false
}

// Fingerprint names a key as ssh-keygen -l does; a certificate by the key it
// is for, and its serial and authority.
func Fingerprint(key gossh.PublicKey) string {
	if c, ok := key.(*gossh.Certificate); ok {
		return fmt.Sprintf("%s (certificate %q, serial %d, CA %s)", gossh.FingerprintSHA256(c.Key), c.KeyId, c.Serial, gossh.FingerprintSHA256(c.SignatureKey))
	}
	return gossh.FingerprintSHA256(key)
}

// addrOf is the client's address without its port.
func addrOf(a net.Addr) netip.Addr {
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap().WithZone("")
}
