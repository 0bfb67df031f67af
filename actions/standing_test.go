package actions_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"levee/actions"
)

// scaler is an enforcer that can add servers and nothing else.
type scaler struct{ *wall }

func (s scaler) Handles(d actions.Decision) bool { return d.Verb == actions.ScaleUp }

func TestAScaleUpSaysWhatIsInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *actions.Options) { o.Enforcers = []actions.Enforcer{scaler{newWall("scaler")}} })
		defer b.stop()
		r := actions.Request{Verb: actions.ScaleUp, Targets: []actions.Target{{Service: "shop"}}, Actor: ana}
		if p := b.plan(r); len(p.Impact.Standing) != 0 {
			t.Errorf("nothing stands: %v", p.Impact.Standing)
		}
		ds := b.commit(r)
		settle()
		r.Actor = cy
		p := b.plan(r)
		if p.Token == "" || p.Needs != actions.ConfirmKey || len(p.Impact.Standing) != 1 ||
			!strings.HasPrefix(p.Impact.Standing[0], "scale_up by ana since ") {
			t.Errorf("a second person's: %v, needs %s, refused %v", p.Impact.Standing, p.Needs, p.Refusals)
		}
		u, err := b.d.PlanUndo(context.Background(), ds[0].ID, cy)
		if err != nil {
			t.Fatal(err)
		}
		if u.Token != "" || len(u.Refusals) != 1 || u.Refusals[0].Rule != "enforcer" || !strings.Contains(u.Refusals[0].Mend, "scale_down") {
			t.Errorf("nobody can take servers away: %+v", u.Refusals)
		}
	})
}
