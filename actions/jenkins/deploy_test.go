package jenkins

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"levee/actions"
)

var (
	declared = regexp.MustCompile(`string\(name: '([A-Z_]+)'`)
	exampled = regexp.MustCompile(`(?m)^//     ([a-z_]+): +\{job: ([a-z/-]+), parameters: \{(.*)\}\}$`)
	pair     = regexp.MustCompile(`([A-Z_]+): "([^"]*)"`)
)

// TestShippedJobs holds that the Jenkinsfiles declare the parameters their own
// example sends, that the example is taken, and that Groovy fills nothing into
// a shell script.
func TestShippedJobs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "deploy", "jenkins", "*.Jenkinsfile"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	jobs := map[actions.Verb]Job{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var takes []string
		for _, m := range declared.FindAllStringSubmatch(string(raw), -1) {
			takes = append(takes, m[1])
		}
		if !slices.Contains(takes, "REQUEST_ID") || !strings.Contains(string(raw), "disableConcurrentBuilds()") {
			t.Errorf("%s: no REQUEST_ID, or builds may overlap", file)
		}
		if strings.Contains(string(raw), `sh """`) || strings.Contains(string(raw), `sh "`) {
			t.Errorf("%s: Groovy would fill parameters into a shell script", file)
		}
		for _, m := range exampled.FindAllStringSubmatch(string(raw), -1) {
			job := Job{Job: m[2], Parameters: map[string]string{}}
			for _, p := range pair.FindAllStringSubmatch(m[3], -1) {
				job.Parameters[p[1]] = p[2]
				if !slices.Contains(takes, p[1]) {
					t.Errorf("%s: parameter %s is sent but not declared", file, p[1])
				}
			}
			if len(job.Parameters) != len(takes) {
				t.Errorf("%s: %s sends %d of %d parameters", file, m[1], len(job.Parameters), len(takes))
			}
			jobs[actions.Verb(m[1])] = job
		}
	}
	if len(jobs) != 4 {
		t.Errorf("examples for %d verbs", len(jobs))
	}
	o := Options{URL: "https://jenkins.example.com/", Jobs: jobs}
	if err := o.complete(); err != nil {
		t.Error(err)
	}
}
