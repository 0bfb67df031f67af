package source

import (
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// waker shortens the wait for the next look when the kernel tells of a change.
// Where it can't (no inotify watches left, a network file system), polling
// alone is enough.
type waker struct {
	wake    chan struct{}
	watcher *fsnotify.Watcher
	done    sync.WaitGroup
}

// newWaker watches the directories of paths.
func newWaker(paths []string) *waker {
	w := &waker{wake: make(chan struct{}, 1)}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return w
	}
	w.watcher = watcher
	for _, p := range paths {
		_ = watcher.Add(filepath.Dir(p)) // a directory that can't be watched is polled
	}
	w.done.Go(func() {
		for {
			select {
			case _, ok := <-watcher.Events:
				if !ok {
					return
				}
				select {
				case w.wake <- struct{}{}:
				default:
				}
			case _, ok := <-watcher.Errors:
				if !ok {
					return
				}
			}
		}
	})
	return w
}

// close ends the watching goroutine and waits for it.
func (w *waker) close() {
	if w.watcher != nil {
		_ = w.watcher.Close()
		w.done.Wait()
	}
}
