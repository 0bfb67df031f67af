package source

import (
	"os"
	"strings"

	"levee/detect/logline"
)

// Check says in one sentence, with its mend, why the log at path can't be
// followed now: it is missing (the error is then an fs.ErrNotExist), a
// directory, binary, packed, or not ours to read. Nil for what can be followed,
// for "-" and for globs. It is meant for paths that a person has just typed;
// Tail itself waits for what is missing and takes up what was mended.
func Check(path string) error {
	if path == "-" || isGlob(path) {
		return nil
	}
	if _, err := os.Stat(path); err != nil {
		return explain(path, err)
	}
	f, err := adopt(path, logline.Options{})
	if err != nil {
		return err
	}
	f.close()
	return nil
}

// isGlob reports whether a path is a pattern.
func isGlob(path string) bool { return strings.ContainsAny(path, `*?[\`) }
