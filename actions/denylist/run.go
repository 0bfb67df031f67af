package denylist

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"levee/actions/internal/safe"
)

// run executes an argument vector without a shell, with an environment of its
// own, and returns its last words in the error when it fails.
func run(ctx context.Context, argv []string, limit time.Duration) error {
	if len(argv) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.WaitDelay = time.Second // a child that keeps the pipe open must not hold us
	var out tail
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it ended well, and left a child that keeps the pipe
	}
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s took longer than %s", argv[0], limit)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", safe.Text(argv[0], 128), err, safe.Text(string(out.b), 400))
	}
	return nil
}

// tail keeps the last 4 KiB written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if over := len(t.b) - 4096; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(p), nil
}
