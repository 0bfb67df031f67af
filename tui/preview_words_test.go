package tui

import (
	"testing"

	"levee/actions"
)

func TestUsualTouched(t *testing.T) {
	for _, c := range []struct {
		im   actions.Impact
		want string
	}{
		{actions.Impact{}, "0% of usual traffic"},
		{actions.Impact{UsualNone: true}, "0% of usual traffic (too little of it seen to tell)"},
		{actions.Impact{UsualMost: 0.0126}, "0% of usual traffic (1.3% at most)"},
		{actions.Impact{UsualShare: 0.02, UsualMost: 0.0201}, "2% of usual traffic"},
		{actions.Impact{UsualShare: 0.04, UsualMost: 0.0686}, "4% of usual traffic (6.9% at most)"},
	} {
		if got := usualTouched(c.im); got != c.want {
			t.Errorf("%+v: %q, want %q", c.im, got, c.want)
		}
	}
}
