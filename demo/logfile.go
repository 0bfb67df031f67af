package demo

import (
	"fmt"
	"os"
)

// logFile is an access log that is rotated as logrotate does by default:
// renamed to .1, which replaces the one before, and created again.
type logFile struct {
	path     string
	rotateAt int64 // bytes
	f        *os.File
	size     int64
}

func openLog(path string, rotateAt int64) (*logFile, error) {
	l := &logFile{path: path, rotateAt: rotateAt}
	return l, l.open()
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("open demo log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // the first error tells more
		return fmt.Errorf("open demo log: %w", err)
	}
	l.f, l.size = f, info.Size()
	return nil
}

// Write appends whole lines: a file is only rotated between two writes.
func (l *logFile) Write(p []byte) (int, error) {
	if l.size > 0 && l.size+int64(len(p)) > l.rotateAt {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.f.Write(p)
	l.size += int64(n)
	return n, err
}

func (l *logFile) rotate() error {
	if err := os.Rename(l.path, l.path+".1"); err != nil {
		return fmt.Errorf("rotate demo log: %w", err)
	}
	if err := l.f.Close(); err != nil {
		return fmt.Errorf("rotate demo log: %w", err)
	}
	return l.open()
}

func (l *logFile) Close() error { return l.f.Close() }
