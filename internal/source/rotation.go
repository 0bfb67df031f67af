package source

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// maxFiles bounds how many files one Tail keeps open.
const maxFiles = 512

// paths expands the globs. A path that is no pattern is always among them.
func (t *tail) paths() []string {
	var all []string
	for _, p := range t.o.Paths {
		if !isGlob(p) {
			all = append(all, p)
			continue
		}
		found, err := filepath.Glob(p)
		found = slices.DeleteFunc(found, isPacked)
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("%s matches no file yet; check the pattern if there should be one", p)
		}
		if err != nil {
			t.problem[p] = err.Error()
			continue
		}
		delete(t.problem, p)
		all = append(all, found...)
	}
	for p := range t.live {
		all = append(all, p) // vanished from its glob: look where it went
	}
	slices.Sort(all)
	all = slices.Compact(all)
	// What a glob does not match any more is no problem any more.
	maps.DeleteFunc(t.problem, func(p, _ string) bool {
		_, found := slices.BinarySearch(all, p)
		return p != "" && !found && !slices.Contains(t.o.Paths, p)
	})
	return all
}

// isPacked reports whether a name is that of a packed log, which a glob may
// match and which never grows.
func isPacked(path string) bool {
	switch filepath.Ext(path) {
	case ".gz", ".zst", ".bz2", ".xz", ".lz4", ".zip", ".Z":
		return true
	}
	return false
}

// visit makes sure that the file now called path is followed.
func (t *tail) visit(path string) {
	f := t.live[path]
	st, err := os.Stat(path)
	if f != nil {
		if err == nil && identify(path, st) == f.id {
			if err := f.look(); err != nil {
				t.problem[path] = err.Error()
			}
			return
		}
		// Renamed or removed: its writer may write on for a while.
		delete(t.live, path)
		f.seen = time.Now()
		t.old = append(t.old, f)
	}
	if err != nil {
		t.known[path] = t.known[path] || t.started
		t.problem[path] = explain(path, err).Error()
		if errors.Is(err, fs.ErrNotExist) && f != nil {
			t.problem[path] = path + " does not exist any more; levee waits for it to come back"
		}
		return
	}
	if t.renamed(path, identify(path, st)) {
		return
	}
	if len(t.live) >= maxFiles {
		t.problem[path] = fmt.Sprintf("%s is not followed: %d files are already; narrow the pattern", path, maxFiles)
		return
	}
	f, err = t.open(path)
	if err != nil {
		t.problem[path] = err.Error()
		return
	}
	delete(t.problem, path)
	t.known[path] = true
	t.live[path] = f
}

// renamed takes a file that is followed already, under another name, as what
// it is: a glob may match both names, and a file may come back.
func (t *tail) renamed(path string, id fileID) bool {
	for _, f := range t.live {
		if f.id == id {
			return true
		}
	}
	for i, f := range t.old {
		if f.id == id {
			t.old = slices.Delete(t.old, i, i+1)
			delete(t.problem, path)
			f.path, t.live[path], t.known[path] = path, f, true
			return true
		}
	}
	return false
}

// open begins to follow path where it was left, at its start when it is new
// since then, at its end on first sight.
func (t *tail) open(path string) (*follower, error) {
	f, err := adopt(path, t.o.Parse)
	if err != nil {
		return nil, err
	}
	if p, ok := t.o.Positions.of(f.id); ok && f.resume(p) {
		return f, nil
	}
	if kept := t.o.Positions.under(path); len(kept) > 0 && !t.known[path] {
		// Rotated while nobody watched: read the rest under its new name first.
		t.lost(path, kept)
		return f, nil
	}
	if t.known[path] || t.started || t.o.FromStart {
		return f, nil
	}
	if err := f.toEnd(); err != nil {
		f.close()
		return nil, err
	}
	// So that a restart goes on from here even if nothing is written before it.
	t.o.Positions.set(f.id, f.at())
	return f, nil
}

// lost finds files that were followed as path and have another name in the
// same directory by now, and reads on in them.
func (t *tail) lost(path string, kept map[fileID]position) {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.problem[path] = explain(dir, err).Error()
		return
	}
	var found []*follower
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		st, err := e.Info()
		if err != nil || !st.Mode().IsRegular() || name == path || isPacked(name) {
			continue
		}
		p, ok := kept[identify(name, st)]
		if !ok || p.Offset >= st.Size() {
			continue
		}
		f, err := adopt(name, t.o.Parse)
		if err != nil {
			continue // unreadable by now: what was left in it is lost
		}
		if !f.resume(p) {
			f.close()
			continue
		}
		f.path = path
		found = append(found, f)
	}
	slices.SortFunc(found, func(a, b *follower) int { return cmp.Compare(kept[a.id].Order, kept[b.id].Order) })
	t.old = append(t.old, found...)
}
