package standin

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

func leaf(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

func displayName(name string) string { return strings.ReplaceAll(name, "/", " » ") }

// jobPath is "/job/a/job/b/" for "a/b".
func jobPath(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "/") {
		b.WriteString("/job/" + url.PathEscape(part))
	}
	b.WriteByte('/')
	return b.String()
}

// rootView is /api/json.
func (j *Jenkins) rootView(root string) object {
	return object{
		{"_class", "hudson.model.Hudson"},
		{"assignedLabels", []any{object{}}},
		{"mode", "NORMAL"},
		{"nodeDescription", "the Jenkins controller's built-in node"},
		{"nodeName", ""},
		{"numExecutors", int64(j.o.Executors)},
		{"description", nil},
		{"jobs", j.children(root, "")},
		{"primaryView", object{{"_class", "hudson.model.AllView"}, {"name", "all"}, {"url", root + "/"}}},
		{"quietDownReason", nil},
		{"quietingDown", j.quieting},
		{"slaveAgentPort", int64(-1)},
		{"unlabeledLoad", object{{"_class", "jenkins.model.UnlabeledLoadStatistics"}}},
		{"url", root + "/"},
		{"useCrumbs", len(j.o.Users) > 0},
		{"useSecurity", len(j.o.Users) > 0},
		{"views", []any{object{{"_class", "hudson.model.AllView"}, {"name", "all"}, {"url", root + "/"}}}},
	}
}

// children lists the jobs and folders directly inside folder ("" the root).
func (j *Jenkins) children(root, folder string) []any {
	inside := func(name string) bool {
		return name != folder && strings.TrimSuffix(strings.TrimSuffix(name, leaf(name)), "/") == folder
	}
	names := slices.Sorted(maps.Keys(j.jobs))
	names = append(names, slices.Sorted(maps.Keys(j.folders))...)
	slices.Sort(names)
	all := []any{}
	for _, name := range names {
		if !inside(name) {
			continue
		}
		if jb := j.jobs[name]; jb != nil {
			brief := object{{"_class", freestyle}, {"name", leaf(name)}, {"url", root + jobPath(name)}, {"color", jb.color()}}
			all = append(all, reference{brief, func() object { return j.jobView(root, jb) }})
		} else {
			brief := object{{"_class", folderClass}, {"name", leaf(name)}, {"url", root + jobPath(name)}}
			all = append(all, reference{brief, func() object { return j.folderView(root, name) }})
		}
	}
	return all
}

const folderClass = "com.cloudbees.hudson.plugins.folder.Folder"

// folderView is /job/FOLDER/api/json.
func (j *Jenkins) folderView(root, name string) object {
	return object{
		{"_class", folderClass},
		{"actions", []any{object{}, object{}}},
		{"description", nil},
		{"displayName", leaf(name)},
		{"displayNameOrNull", nil},
		{"fullDisplayName", displayName(name)},
		{"fullName", name},
		{"name", leaf(name)},
		{"url", root + jobPath(name)},
		{"healthReport", []any{}},
		{"jobs", j.children(root, name)},
		{"primaryView", object{{"_class", "hudson.model.AllView"}, {"name", "All"}, {"url", root + jobPath(name)}}},
		{"views", []any{object{{"_class", "hudson.model.AllView"}, {"name", "All"}, {"url", root + jobPath(name)}}}},
	}
}

// jobView is /job/NAME/api/json.
func (j *Jenkins) jobView(root string, jb *job) object {
	actions := []any{object{}, object{}}
	property := []any{}
	if len(jb.Parameters) > 0 {
		actions = slices.Insert(actions, 0, any(definitions(jb, false)))
		property = append(property, definitions(jb, true))
	}
	builds, all := []any{}, []any{}
	for i := len(jb.builds) - 1; i >= 0; i-- {
		all = append(all, jb.builds[i].ref(root))
		if len(builds) < 100 {
			builds = append(builds, jb.builds[i].ref(root))
		}
	}
	last := func(ok func(*build) bool) any { return jb.last(ok).ref(root) }
	ended := func(want func(Result) bool) any {
		return last(func(b *build) bool { return !b.running() && want(b.result) })
	}
	var first, queued any
	if len(jb.builds) > 0 {
		first = jb.builds[0].ref(root)
	}
	for _, it := range j.queued() {
		if it.job == jb {
			queued = j.itemView(root, it)
			break
		}
	}
	return object{
		{"_class", freestyle},
		{"actions", actions},
		{"description", nil},
		{"displayName", leaf(jb.Name)},
		{"displayNameOrNull", nil},
		{"fullDisplayName", displayName(jb.Name)},
		{"fullName", jb.Name},
		{"name", leaf(jb.Name)},
		{"url", root + jobPath(jb.Name)},
		{"buildable", !jb.disabled},
		{"~allBuilds", all},
		{"builds", builds},
		{"color", jb.color()},
		{"firstBuild", first},
		{"healthReport", jb.health()},
		{"inQueue", queued != nil},
		{"keepDependencies", false},
		{"lastBuild", last(func(*build) bool { return true })},
		{"lastCompletedBuild", ended(func(Result) bool { return true })},
		{"lastFailedBuild", ended(func(r Result) bool { return r == Failure })},
		{"lastStableBuild", ended(func(r Result) bool { return r == Success })},
		{"lastSuccessfulBuild", ended(func(r Result) bool { return r == Success || r == Unstable })},
		{"lastUnstableBuild", ended(func(r Result) bool { return r == Unstable })},
		{"lastUnsuccessfulBuild", ended(func(r Result) bool { return r != Success })},
		{"nextBuildNumber", jb.next},
		{"property", property},
		{"queueItem", queued},
		{"concurrentBuild", jb.Concurrent},
		{"disabled", jb.disabled},
		{"downstreamProjects", []any{}},
		{"labelExpression", nil},
		{"scm", object{{"_class", "hudson.scm.NullSCM"}}},
		{"upstreamProjects", []any{}},
	}
}

// definitions are the job's parameters; Jenkins shows them twice, once with
// the name inside the default value.
func definitions(jb *job, named bool) object {
	var list []any
	for _, p := range jb.Parameters {
		value := object{{"_class", "hudson.model.StringParameterValue"}}
		if named {
			value = append(value, property{"name", p.Name})
		}
		value = append(value, property{"value", p.Default})
		list = append(list, object{
			{"_class", "hudson.model.StringParameterDefinition"}, {"defaultParameterValue", value},
			{"description", nil}, {"name", p.Name}, {"type", "StringParameterDefinition"},
		})
	}
	return object{{"_class", "hudson.model.ParametersDefinitionProperty"}, {"parameterDefinitions", list}}
}

// health is the weather report over the last five builds.
func (jb *job) health() []any {
	done, failed := 0, 0
	for i := len(jb.builds) - 1; i >= 0 && done < 5; i-- {
		if b := jb.builds[i]; !b.running() {
			done++
			if b.result == Failure || b.result == Aborted {
				failed++
			}
		}
	}
	if done == 0 {
		return []any{}
	}
	score := int64(100 * (done - failed) / done)
	icon, text := "80plus", "No recent builds failed."
	switch {
	case failed == done:
		icon, text = "00to19", "All recent builds failed."
	case failed > 0:
		icon, text = "60to79", fmt.Sprintf("%d out of the last %d builds failed.", failed, done)
	}
	return []any{object{{"description", "Build stability: " + text}, {"iconClassName", "icon-health-" + icon}, {"iconUrl", "health-" + icon + ".png"}, {"score", score}}}
}
