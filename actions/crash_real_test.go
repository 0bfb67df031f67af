//go:build linux

package actions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/actions/jenkins"
	"levee/actions/nft"
	"levee/demo/standin"

	"golang.org/x/sys/unix"
)

// realEnforcers are a packet filter in a network namespace and a Jenkins, when
// the parent made them. Between a request's way to Jenkins and its answer's way
// back the process may die as well.
func realEnforcers(dir string, f *fuse, now func() time.Time) ([]actions.Enforcer, func() error, error) {
	nothing := func() error { return nil }
	if os.Getenv(crashJenkins) == "" {
		return nil, nothing, nil
	}
	fd, err := unix.Open("/run/netns/"+os.Getenv(crashNet), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nothing, err
	}
	filter, err := nft.New(nft.Options{NetNS: fd, Now: now})
	if err != nil {
		return nil, nothing, err
	}
	o := jenkinsOptions(os.Getenv(crashJenkins))
	o.Journal, o.Now = filepath.Join(dir, "jenkins.json"), now
	o.Transport = dyingTransport{http.DefaultTransport, f}
	builds, err := jenkins.New(o)
	if err != nil {
		return nil, nothing, err
	}
	closing := func() error { return errors.Join(builds.Close(), unix.Close(fd)) }
	return []actions.Enforcer{crashing{filter, f}, crashingJobs{builds, f}}, closing, nil
}

func jenkinsOptions(url string) jenkins.Options {
	return jenkins.Options{URL: url, Gather: 5 * time.Millisecond, Wait: 200 * time.Millisecond, Accept: 2 * time.Second,
		Call: 300 * time.Millisecond, SendDeadline: 10 * time.Second,
		Jobs: map[actions.Verb]jenkins.Job{actions.Block: {Job: "ops/block-ip",
			Parameters: map[string]string{"ADD": "{{added}}", "REMOVE": "{{removed}}", "REQUEST_ID": "{{id}}"}}}}
}

// crashingJobs is crashing for an enforcer that can be asked what it was sent.
type crashingJobs struct {
	*jenkins.Enforcer
	fuse *fuse
}

func (c crashingJobs) Apply(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	return crashing{c.Enforcer, c.fuse}.Apply(ctx, ds)
}

func (c crashingJobs) Revoke(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	return crashing{c.Enforcer, c.fuse}.Revoke(ctx, ds)
}

// dyingTransport burns the fuse before and after what changes something.
type dyingTransport struct {
	http.RoundTripper
	fuse *fuse
}

func (d dyingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost {
		return d.RoundTripper.RoundTrip(r)
	}
	d.fuse.burn()
	res, err := d.RoundTripper.RoundTrip(r)
	d.fuse.burn()
	return res, err
}

// TestKillAgainstRealEnforcers kills a levee before and after each write, each
// netlink transaction, each rewrite of a deny list and each build it asks for.
// The kernel, the file and Jenkins live on. CI has a few deaths of it,
// LEVEE_TEST_CRASHES=100 the whole.
func TestKillAgainstRealEnforcers(t *testing.T) {
	deaths := atRace(25, 12)
	if s := os.Getenv("LEVEE_TEST_CRASHES"); s != "" {
		if _, err := fmt.Sscan(s, &deaths); err != nil {
			t.Fatal(err)
		}
	}
	ns := namespace(t)
	j, err := standin.New(standin.Options{Jobs: []standin.Job{{Name: "ops/block-ip",
		Parameters: []standin.Parameter{{Name: "ADD"}, {Name: "REMOVE"}, {Name: "REQUEST_ID"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(j)
	t.Cleanup(func() {
		server.Close()
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &crashes{t: t, dir: t.TempDir(), env: []string{crashNet + "=" + ns, crashJenkins + "=" + server.URL}}
	c.kill(deaths)
	want, byID := c.settled()

	fd, err := unix.Open("/run/netns/"+ns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	filter, err := nft.New(nft.Options{NetNS: fd})
	if err != nil {
		t.Fatal(err)
	}
	c.lists("the packet filter", filter, want)
	deny, err := denyList(c.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.lists("the deny list", deny, want)
	if err := deny.Close(); err != nil {
		t.Error(err)
	}
	emptied(t, server.URL)
	afterBuilds(t, j, want, byID)
}

// emptied waits until Jenkins has nothing queued: what the last life handed over
// may begin after it.
func emptied(t *testing.T, url string) {
	t.Helper()
	for range 1200 {
		res, err := http.Get(url + "/queue/api/json")
		if err != nil {
			t.Fatal(err)
		}
		var q struct{ Items []struct{ ID int64 } }
		err = json.NewDecoder(res.Body).Decode(&q)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if len(q.Items) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("Jenkins did not begin what it was given")
}

// afterBuilds replays every build that was triggered: no request twice, no
// address added or removed twice, and what is left is what is in force.
func afterBuilds(t *testing.T, j *standin.Jenkins, want map[string]string, byID map[string]actions.Decision) {
	t.Helper()
	asked, added, removed, left := map[string]int{}, map[string]int{}, map[string]int{}, map[string]bool{}
	builds := j.Triggered("ops/block-ip")
	list := func(s string) []string { return strings.FieldsFunc(s, func(r rune) bool { return r == ',' }) }
	for _, p := range builds {
		if asked[p["REQUEST_ID"]]++; asked[p["REQUEST_ID"]] > 1 {
			t.Errorf("request %s was built twice", p["REQUEST_ID"])
		}
		for _, a := range list(p["ADD"]) {
			if added[a]++; added[a] > 1 {
				t.Errorf("%s was added twice", a)
			}
			left[a] = true
		}
		for _, a := range list(p["REMOVE"]) {
			if removed[a]++; removed[a] > 1 {
				t.Errorf("%s was removed twice", a)
			}
			delete(left, a)
		}
	}
	for key, id := range want {
		if a := strings.TrimSuffix(key, "/32"); !left[a] {
			t.Errorf("%s is in force for %s and no build left it blocked", a, id)
		}
		delete(left, strings.TrimSuffix(key, "/32"))
	}
	for a := range left {
		for _, d := range byID {
			if d.Target.String() == a {
				t.Errorf("Jenkins blocks %s and nobody wants it: %+v", a, d)
			}
		}
	}
	t.Logf("%d builds", len(builds))
	if len(builds) < 5 {
		t.Error("Jenkins was hardly asked")
	}
}

// namespace makes a network namespace that ends with the test, or skips.
func namespace(t testing.TB) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root (CAP_NET_ADMIN) for a network namespace: sudo go test ./actions")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip (Debian: iproute2) for a network namespace")
	}
	ns := fmt.Sprintf("lvact%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", ns).CombinedOutput(); err != nil {
		t.Skipf("this kernel allows no network namespaces: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", ns).Run() })
	return ns
}
