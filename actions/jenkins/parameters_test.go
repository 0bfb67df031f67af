package jenkins

import (
	"context"
	"strings"
	"testing"

	"levee/actions"
	"levee/demo/standin"
)

// TestParametersMustExist: Jenkins starts a build and drops what it has no
// parameter for, so a block would reach nobody. The check says so before.
func TestParametersMustExist(t *testing.T) {
	in(t, nil, func(w *world) {
		if err := w.e.Check(context.Background()); err != nil {
			t.Errorf("all parameters exist: %v", err)
		}
	})
	in(t, func(_ *Options, so *standin.Options) {
		so.Jobs[0].Parameters = []standin.Parameter{{Name: "ADDRESSES"}, {Name: "REMOVE"}, {Name: "REQUEST_ID"}}
	}, func(w *world) {
		if err := w.e.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "ops/block-ip has no parameter ADD, TTL_SECONDS") {
			t.Errorf("two are missing: %v", err)
		}
	})
	in(t, func(o *Options, so *standin.Options) {
		so.Jobs[0].Parameters = nil
		o.Jobs = map[actions.Verb]Job{actions.Block: o.Jobs[actions.Block]}
	}, func(w *world) {
		if err := w.e.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "no parameter") {
			t.Errorf("the job takes none: %v", err)
		}
	})
}
