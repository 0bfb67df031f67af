package standin

import (
	"context"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestIndependentClients runs two Python clients against the stand-in: what
// they take for a Jenkins is one.
func TestIndependentClients(t *testing.T) {
	if os.Getenv("LEVEE_INTEGRATION") == "" {
		t.Skip("set LEVEE_INTEGRATION=1 to install python-jenkins 1.8.3 and jenkinsapi 0.3.23 into a temporary venv and run them")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	venv := os.Getenv("LEVEE_PYTHON_VENV") // one that has both packages already; default: a new one
	if venv == "" {
		venv = filepath.Join(t.TempDir(), "venv")
		if out, err := exec.Command(python, "-m", "venv", venv).CombinedOutput(); err != nil {
			t.Skipf("python3 can't make a venv (Debian: python3-venv): %v\n%s", err, out)
		}
		if out, err := exec.Command(filepath.Join(venv, "bin", "pip"), "install", "-q", "python-jenkins==1.8.3", "jenkinsapi==0.3.23").CombinedOutput(); err != nil {
			t.Skipf("no package index to install python-jenkins and jenkinsapi from: %v\n%s", err, out)
		}
	}
	j, err := New(Options{Users: users, Quiet: 200 * time.Millisecond, Jobs: []Job{
		{Name: "ops/block-ip", Parameters: []Parameter{{"ADD", ""}, {"REQUEST_ID", ""}}, Run: func(_ context.Context, p map[string]string, console io.Writer) Result {
			_, _ = io.WriteString(console, "blocking "+p["ADD"]+"\n")
			return Success
		}},
		{Name: "slow", Run: func(ctx context.Context, _ map[string]string, _ io.Writer) Result {
			<-ctx.Done()
			return Failure
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	server := httptest.NewServer(j)
	t.Cleanup(server.Close)
	for _, script := range []string{"python_jenkins.py", "jenkinsapi_client.py"} {
		for _, secret := range []string{"11token", "pass"} {
			command(t, filepath.Join(venv, "bin", "python"), filepath.Join("testdata", script), server.URL, "admin", secret)
		}
	}
}

func command(t *testing.T, name string, arguments ...string) {
	t.Helper()
	if out, err := exec.Command(name, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, arguments, err, out)
	}
}
