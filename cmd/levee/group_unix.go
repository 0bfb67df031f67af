//go:build unix

package main

import "syscall"

// ownGroup keeps a child out of this terminal's signals: it ends when it is
// told to, after what still has to be lifted.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
