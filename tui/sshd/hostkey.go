package sshd

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	gossh "golang.org/x/crypto/ssh"
)

// HostKey reads the private key at path, or makes an ed25519 one there with
// mode 0600. A key that others could have read is refused.
func HostKey(path string) (gossh.Signer, error) {
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newHostKey(path)
	case err != nil:
		return nil, fmt.Errorf("read host key: %w; give levee's user the right to read it", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read host key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("host key %s: others may read it (mode %04o); chmod 600 it, and make a new one if others have read it", path, info.Mode().Perm())
	}
	s, err := gossh.ParsePrivateKey(b)
	if err != nil {
		return nil, fmt.Errorf("host key %s: %w; restore it, or remove it to have a new one made", path, err)
	}
	if s.PublicKey().Type() != gossh.KeyAlgoED25519 {
		return nil, fmt.Errorf("host key %s is of type %s; remove it to have an ed25519 one made", path, s.PublicKey().Type())
	}
	return s, nil
}

func newHostKey(path string) (gossh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make host key: %w", err)
	}
	block, err := gossh.MarshalPrivateKey(key, "levee")
	if err != nil {
		return nil, fmt.Errorf("make host key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make host key: %w; give levee's user the right to write there", err)
	}
	_, err = f.Write(pem.EncodeToMemory(block))
	if serr := f.Sync(); err == nil {
		err = serr
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(path) // half a key is worse than none
		return nil, fmt.Errorf("make host key %s: %w", path, err)
	}
	return gossh.NewSignerFromKey(key)
}
