package demo

import "fmt"

// Controller is the Jenkins of the simulated site: where it is, whose token
// opens it, and the job that adds servers and takes them away.
type Controller struct{ URL, User, Token, Job string }

// Configuration is the levee.yaml of the simulated site: its access log, the
// deny list that it obeys, and its Jenkins.
func Configuration(log, deny string, c Controller) string {
	return fmt.Sprintf(`sources:
  - {name: access.log, file: %q, service: %s}
auto: {level: block}
actions:
  denylist: [{path: %q, style: nginx}]
  jenkins:
    url: %s
    user: %s
    token: %s
    jobs:
      scale_up: {job: %s, parameters: {SERVICE: "{{service}}", DELTA: "2", REQUEST_ID: "{{id}}"}}
      scale_down: {job: %s, parameters: {SERVICE: "{{service}}", DELTA: "-2", REQUEST_ID: "{{id}}"}}
`, log, Host, deny, c.URL, c.User, c.Token, c.Job, c.Job)
}
