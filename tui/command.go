package tui

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"levee/actions"
)

// command is one verb of the : line.
type command struct {
	name, args, help string
	words            func(m *Model) []string // what its argument can be, for completion
	run              func(m *Model, args []string) (tea.Cmd, error)
}

var commandList []command

func init() { commandList = allCommands() } // a var alone would refer to itself through help

func allCommands() []command {
	act := func(what string, v actions.Verb, ttl time.Duration) func(m *Model, args []string) (tea.Cmd, error) {
		return func(m *Model, args []string) (tea.Cmd, error) { return m.actOn(what, v, ttl, args) }
	}
	names := func(list []string) func(*Model) []string { return func(*Model) []string { return list } }
	return []command{
		{"block", "TARGET… [TTL]", "block addresses or prefixes, after a preview", suspectWords, act("Block", actions.Block, 30*time.Minute)},
		{"unblock", "TARGET… or --incident ID --by NAME --since 10m", "lift their blocks, or many at once", activeWords, (*Model).cmdUnblock},
		{"allow", "TARGET… [TTL]", "let no block touch them", suspectWords, act("Allow", actions.Allow, 6*time.Hour)},
		{"scale", "[SERVICE]", "ask for more servers", serviceWords, func(m *Model, args []string) (tea.Cmd, error) {
			if why := mayAct(m); why != "" {
				return nil, fmt.Errorf("%s", why)
			}
			s := m.service()
			if len(args) > 0 {
				s = args[0]
			}
			return m.askService("Scale up", actions.ScaleUp, s), nil
		}},
		{"throttle", "", "throttle the incident's signature where requests arrive", nil, onIncident((*Model).askThrottle)},
		{"harden", "", "harden the incident's service", nil, onIncident((*Model).askHarden)},
		{"why", "TARGET", "all that is known of an address or prefix", suspectWords, func(m *Model, args []string) (tea.Cmd, error) {
			p, err := onePrefix(args)
			if err == nil {
				m.openSource(p)
			}
			return nil, err
		}},
		{"auto", "on|off", "turn auto mode on (asks) or off", names([]string{"on", "off"}), func(m *Model, args []string) (tea.Cmd, error) {
			if why := mayAct(m); why != "" {
				return nil, fmt.Errorf("%s", why)
			}
			on := len(args) == 1 && args[0] == "on"
			if !on && (len(args) != 1 || args[0] != "off") {
				return nil, fmt.Errorf("auto needs on or off")
			}
			a := m.d.board.Auto
			if a.Armed && a.On == on || !a.Armed && !on {
				return nil, fmt.Errorf("auto mode is %s already", args[0])
			}
			return m.toggleAuto(), nil
		}},
		{"stop", "", "stop all automation at once (the ! key)", nil, func(m *Model, _ []string) (tea.Cmd, error) { return m.panicKey(), nil }},
		{"arm", "", "arm automation again (asks)", nil, func(m *Model, _ []string) (tea.Cmd, error) {
			if why := mayAct(m); why != "" {
				return nil, fmt.Errorf("%s", why)
			}
			if m.d.board.Auto.Armed {
				return nil, fmt.Errorf("it is armed already")
			}
			return m.toggleAuto(), nil
		}},
		{"own", "", "make the incident yours", nil, (*Model).cmdOwn},
		{"note", "TEXT", "write a note about the incident", nil, (*Model).cmdNote},
		{"mute", "[FOR|off]", "let nobody be woken by the incident for 1h, or for so long; it stays on the screens", names([]string{"1h", "4h", "off"}), (*Model).cmdMute},
		{"handover", "NAME", "give the incident to somebody else", peopleWords, (*Model).cmdHandover},
		{"approve", "[CODE]", "be the second person for what another operator asks for", codeWords, (*Model).cmdApprove},
		{"say", "TEXT", "tell everybody who is here", nil, (*Model).cmdSay},
		{"reload", "", "read levee.yaml again: all of it, or nothing", nil, (*Model).cmdReload},
		{"undo", "", "undo your latest act", nil, func(m *Model, _ []string) (tea.Cmd, error) {
			if why := whyNotUndo(m); why != "" {
				return nil, fmt.Errorf("%s", why)
			}
			return m.askUndo(), nil
		}},
		{"filter", "[TERMS or a saved name]", "show only these suspects; without terms all", filterWords, (*Model).cmdFilter},
		{"scope", "[TERMS or a saved name]", "filter, and let charts and tops count only what passes", filterWords, (*Model).cmdScope},
		{"save", "NAME", "keep the filter under a name for this session", nil, func(m *Model, args []string) (tea.Cmd, error) {
			if len(args) != 1 || m.table.filter == nil {
				return nil, fmt.Errorf("save needs one name, and a filter to keep (/)")
			}
			if m.opt.Filters == nil {
				m.opt.Filters = map[string]string{}
			}
			m.opt.Filters[args[0]] = m.table.filter.text
			m.say("ok", "kept as "+args[0]+": :filter "+args[0]+" brings it back")
			return nil, nil
		}},
		{"sort", "COLUMN", "sort the suspects", names(sortKeys), func(m *Model, args []string) (tea.Cmd, error) {
			if len(args) != 1 || !slices.Contains(sortKeys, args[0]) {
				return nil, fmt.Errorf("sort by one of %s", strings.Join(sortKeys, " "))
			}
			m.table.sort, m.table.up = args[0], false
			m.resort()
			return nil, nil
		}},
		{"columns", "[NAME…]", "choose the columns; without names what fits", columnWords, func(m *Model, args []string) (tea.Cmd, error) {
			return nil, m.table.setColumns(args)
		}},
		{"copy", "csv|json", "copy the rows of this screen to your clipboard", names([]string{"csv", "json"}), func(m *Model, args []string) (tea.Cmd, error) {
			if len(args) != 1 {
				return nil, fmt.Errorf("copy needs csv or json")
			}
			return m.copySheet(args[0]), nil
		}},
		{"export", "FILE", "write the rows of this screen to a new file; FILE ends in .csv or .json", nil, (*Model).cmdExport},
		{"theme", "NAME", "dark, light, contrast, colourblind", names(Themes), func(m *Model, args []string) (tea.Cmd, error) {
			th, err := newTheme(strings.Join(args, " "), m.opt.Renderer, m.opt.NoColor)
			if err == nil {
				m.th = th
			}
			return nil, err
		}},
		{"chart", "braille|blocks", "what the chart is drawn with; blocks where the terminal's font has no braille", names(Charts), func(m *Model, args []string) (tea.Cmd, error) {
			dots, err := chartDots(strings.Join(args, " "))
			if err == nil {
				m.chart.dots, m.chart.lines = dots, nil
			}
			return nil, err
		}},
		{"mouse", "on|off", "wheel scrolls and click selects; off gives the terminal its own selection back", names([]string{"on", "off"}), func(_ *Model, args []string) (tea.Cmd, error) {
			switch strings.Join(args, " ") {
			case "on":
				return tea.EnableMouseCellMotion, nil
			case "off":
				return tea.DisableMouse, nil
			}
			return nil, fmt.Errorf("mouse needs on or off")
		}},
		{"go", "SCREEN", "open a screen", screenWords, func(m *Model, args []string) (tea.Cmd, error) {
			i := slices.Index(screenWords(m), strings.Join(args, " "))
			if i < 0 {
				return nil, fmt.Errorf("screens: %s", strings.Join(screenWords(m), " "))
			}
			m.goTo(screenID(i))
			return nil, nil
		}},
		{"help", "", "keys, filter, commands", nil, func(m *Model, _ []string) (tea.Cmd, error) { m.toggleHelp(); return nil, nil }},
		{"quit", "", "leave", nil, func(m *Model, _ []string) (tea.Cmd, error) { return m.leave(), nil }},
	}
}

// onIncident runs an act of the incident's screen from any screen.
func onIncident(ask func(*Model) tea.Cmd) func(m *Model, args []string) (tea.Cmd, error) {
	return func(m *Model, _ []string) (tea.Cmd, error) {
		if why := whyNoIncident(m); why != "" {
			return nil, fmt.Errorf("%s", why)
		}
		return ask(m), nil
	}
}

func (m *Model) askCommand() {
	m.prompt = &prompt{lead: ":", history: m.history, accept: (*Model).command, complete: (*Model).completed}
}

// command runs one line.
func (m *Model) command(line string) tea.Cmd {
	words, err := splitTerms(line)
	if err != nil || len(words) == 0 {
		if err != nil {
			m.say("warn", err.Error())
		}
		return nil
	}
	m.history = append(m.history, line)
	if len(m.history) > 100 {
		m.history = m.history[1:]
	}
	for i := range commandList {
		if c := &commandList[i]; c.name == words[0] {
			cmd, err := c.run(m, words[1:])
			if err != nil {
				m.say("warn", c.name+": "+err.Error())
			}
			return cmd
		}
	}
	for i := range m.keys { // what a key does has a name too
		b := &m.keys[i]
		switch {
		case b.name != words[0] || b.help == "":
		case len(words) > 1:
			m.say("warn", b.name+" takes no argument")
			return nil
		case !b.shown(m.at):
			m.say("info", ":"+b.name+" does nothing on this screen; it works on "+m.screenNames(b.on))
			return nil
		default:
			return m.use(b, ":"+b.name)
		}
	}
	m.say("warn", fmt.Sprintf("there is no command %q; %s lists them", words[0], m.keyOf("help")))
	return nil
}

// actOn asks for v on the targets named; a duration at the end is the TTL.
func (m *Model) actOn(what string, v actions.Verb, ttl time.Duration, args []string) (tea.Cmd, error) {
	if why := mayAct(m); why != "" {
		return nil, fmt.Errorf("%s", why)
	}
	r := actions.Request{Verb: v, TTL: ttl, Actor: m.d.me, Reason: verbName(v) + " from the console's command line"}
	for i, a := range args {
		if d, err := time.ParseDuration(a); err == nil && i > 0 && i == len(args)-1 && ttl > 0 && d > 0 {
			r.TTL = d
			continue
		}
		p, err := parsePrefix(a)
		if err != nil {
			return nil, fmt.Errorf("%q is no address or prefix: write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/64", a)
		}
		r.Targets = append(r.Targets, actions.Target{Prefix: p})
	}
	if len(r.Targets) == 0 {
		return nil, fmt.Errorf("needs an address or a prefix")
	}
	if len(r.Targets) > 1 && m.d.stale && v == actions.Block {
		return nil, fmt.Errorf("the data is %s old: many at once is off until it is fresh", age(m.d.status.DataAge))
	}
	return m.ask(what, r), nil
}

func onePrefix(args []string) (netip.Prefix, error) {
	if len(args) != 1 {
		return netip.Prefix{}, fmt.Errorf("needs one address or prefix")
	}
	p, err := parsePrefix(args[0])
	if err != nil {
		return p, fmt.Errorf("%q is no address or prefix", args[0])
	}
	return p, nil
}

func (m *Model) cmdFilter(args []string) (tea.Cmd, error) {
	text := strings.Join(args, " ")
	if saved, ok := m.opt.Filters[text]; ok {
		text = saved
	}
	f, err := parseFilter(text)
	if err == nil {
		m.setFilter(f)
	}
	return nil, err
}
