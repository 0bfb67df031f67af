package standin

import (
	"context"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// project is what is read of a job's config.xml.
type project struct {
	XMLName    xml.Name
	Concurrent bool `xml:"concurrentBuild"`
	Parameters []struct {
		Name    string `xml:"name"`
		Default string `xml:"defaultValue"`
	} `xml:"properties>hudson.model.ParametersDefinitionProperty>parameterDefinitions>hudson.model.StringParameterDefinition"`
	Commands []string `xml:"builders>hudson.tasks.Shell>command"`
}

// createItem makes a job or a folder of the posted config.xml.
func (j *Jenkins) createItem(w http.ResponseWriter, r *http.Request, folder string) {
	name := r.URL.Query().Get("name")
	full := strings.TrimPrefix(folder+"/"+name, "/")
	switch {
	case name == "" || strings.ContainsAny(name, `/\?*%!@#$^&|<>[]:;`):
		w.Header().Set("X-Error", "No name is specified, or it has an unsafe character")
		j.page(w, r, http.StatusBadRequest, "Error", "Bad name")
		return
	case j.jobs[full] != nil || j.folders[full]:
		w.Header().Set("X-Error", "A job already exists with the name  "+name+" ")
		j.page(w, r, http.StatusBadRequest, "Jenkins", "A job already exists with the name "+name)
		return
	}
	raw, err := io.ReadAll(r.Body)
	var p project
	if err == nil {
		err = unmarshal(raw, &p)
	}
	if err != nil {
		j.page(w, r, http.StatusInternalServerError, "Oops!", "A problem occurred while processing the request")
		return
	}
	if p.XMLName.Local == folderClass {
		j.folders[full] = true
		empty(w, http.StatusOK)
		return
	}
	spec := Job{Name: full, Concurrent: p.Concurrent, Run: j.shell(name, strings.Join(p.Commands, "\n"))}
	for _, d := range p.Parameters {
		spec.Parameters = append(spec.Parameters, Parameter{d.Name, d.Default})
	}
	if err := j.add(spec, string(raw)); err != nil {
		j.page(w, r, http.StatusInternalServerError, "Oops!", err.Error())
		return
	}
	empty(w, http.StatusOK)
}

// unmarshal reads XML 1.0 and, as far as it is the same, the 1.1 that Jenkins
// writes and Go's decoder refuses by its declaration.
func unmarshal(raw []byte, into *project) error {
	text := string(raw)
	if strings.HasPrefix(text, "<?xml") {
		_, text, _ = strings.Cut(text, "?>")
	}
	return xml.Unmarshal([]byte(text), into)
}

// shell returns a build that understands echo, sleep and $NAME. Real shells
// are never started: what was posted is a stranger's.
func (j *Jenkins) shell(name, script string) func(context.Context, map[string]string, io.Writer) Result {
	return func(ctx context.Context, parameters map[string]string, console io.Writer) Result {
		_, _ = fmt.Fprintf(console, "[%s] $ /bin/sh -xe /var/tmp/jenkins%d.sh\n", name, len(script))
		for line := range strings.Lines(script) {
			words := strings.Fields(line)
			if len(words) == 0 {
				continue
			}
			for i, word := range words {
				if name, ok := strings.CutPrefix(strings.Trim(word, `"`), "$"); ok {
					words[i] = parameters[strings.Trim(name, "{}")]
				}
			}
			_, _ = fmt.Fprintf(console, "+ %s\n", strings.Join(words, " "))
			switch words[0] {
			case "echo":
				_, _ = fmt.Fprintln(console, strings.Join(words[1:], " "))
			case "sleep":
				seconds, err := strconv.ParseFloat(strings.Join(words[1:], ""), 64)
				if err != nil || j.o.Clock.Sleep(ctx, time.Duration(seconds*float64(time.Second))) != nil {
					return Failure
				}
			case "exit":
				if len(words) > 1 && words[1] != "0" {
					return Failure
				}
				return Success
			}
		}
		return Success
	}
}

// configXML is what the API shows of a job's configuration.
func (jb *job) configXML() string {
	if jb.config != "" {
		return jb.config
	}
	var b strings.Builder
	b.WriteString("<project><properties><hudson.model.ParametersDefinitionProperty><parameterDefinitions>")
	for _, p := range jb.Parameters {
		fmt.Fprintf(&b, "<hudson.model.StringParameterDefinition><name>%s</name><defaultValue>%s</defaultValue></hudson.model.StringParameterDefinition>", html.EscapeString(p.Name), html.EscapeString(p.Default))
	}
	b.WriteString("</parameterDefinitions></hudson.model.ParametersDefinitionProperty></properties><builders/></project>")
	return b.String()
}
