package control

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// peerOf asks the kernel who is at the other end.
func peerOf(conn net.Conn) (Peer, error) {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return Peer{}, errors.New("who calls can't be told: this is no Unix socket")
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return Peer{}, fmt.Errorf("who calls can't be told: %w", err)
	}
	var cred *unix.Ucred
	var cerr error
	if err := raw.Control(func(fd uintptr) {
		cred, cerr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return Peer{}, fmt.Errorf("who calls can't be told: %w", err)
	}
	if cerr != nil {
		return Peer{}, fmt.Errorf("who calls can't be told: %w", cerr)
	}
	return Peer{UID: cred.Uid, Self: cred.Uid == 0 || cred.Uid == uint32(os.Geteuid())}, nil
}
