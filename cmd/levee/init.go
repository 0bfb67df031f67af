package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/charmbracelet/huh"
	"github.com/spf13/cobra"

	"levee/internal/command"
	"levee/tui/sshd"
)

func newInit(g *global) *cobra.Command {
	var yes, force bool
	var a command.Answers
	c := &cobra.Command{
		Use:   "init",
		Short: "ask a few questions and write a commented levee.yaml",
		Long:  "Looks for the logs of nginx, Apache, Caddy and HAProxy, asks a few questions (--yes: none) and writes a\ncommented levee.yaml to --config, else ./levee.yaml. An existing file is left alone without --force.",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			path := g.config
			if path == "" {
				path = "levee.yaml"
			}
			if _, err := os.Stat(path); err == nil && !force {
				return fmt.Errorf("init: %s exists already; look it over with levee doctor, or replace it with --force", path)
			} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("init: %w", err)
			}
			if len(a.Logs) == 0 {
				a.Logs = command.FindLogs(filepath.Glob)
			}
			if !yes {
				if !isTerminal(g.streams.In) || !isTerminal(g.streams.Out) {
					return command.Usagef("init asks questions and this is no terminal; add --yes to take what was found")
				}
				if err := ask(c.Context(), &a); err != nil {
					return err
				}
			}
			if err := a.Check(); err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte(a.YAML()), 0o640); err != nil {
				return fmt.Errorf("init: write %s: %w", path, err)
			}
			_, err := fmt.Fprintf(g.streams.Out, "wrote %s; see what it finds with: levee doctor --config %s\n", path, path)
			return err
		},
	}
	f := c.Flags()
	f.BoolVar(&yes, "yes", false, "ask nothing")
	f.BoolVar(&force, "force", false, "replace an existing file")
	f.StringSliceVar(&a.Logs, "log", nil, "log file to follow (repeatable; default: those found)")
	f.StringVar(&a.Service, "service", "", "the service's host name")
	f.StringVar(&a.Level, "level", "suggest", "how far auto mode may go: observe, suggest, throttle, block")
	return c
}

// usableKey says at once what is wrong with a public key: later it would cost
// all answers.
func usableKey(user, key string) error {
	switch {
	case user == "" && key == "":
		return nil
	case user == "":
		return errors.New("whose is it? go back with shift+tab and give a name, or empty this")
	case key == "":
		return errors.New("without a key " + user + " can't sign in: paste the line, or go back and empty the name")
	}
	if _, err := sshd.ParseKeys([]string{key}); err != nil {
		return errors.New("no public key that is taken: paste the one line of a .pub file, such as ssh-ed25519 AAAA…")
	}
	return nil
}

// ask puts the few questions.
func ask(ctx context.Context, a *command.Answers) error {
	logs := strings.Join(a.Logs, ", ")
	form := huh.NewForm(huh.NewGroup(
		huh.NewInput().Title("Which logs?").Description("files or globs, parted by commas").Value(&logs),
		huh.NewInput().Title("Which service do they belong to?").Description("its host name, where the log has none").Value(&a.Service),
		huh.NewSelect[string]().Title("How far may auto mode go?").Options(huh.NewOptions("suggest", "observe", "throttle", "block")...).Value(&a.Level),
	), huh.NewGroup( // two pages: one is taller than a terminal of 24 lines
		huh.NewConfirm().Title("May levee use this host's packet filter (nftables)?").Value(&a.Nft),
		huh.NewInput().Title("Your name, for ssh?").Description("empty: no SSH").Value(&a.User),
		huh.NewInput().Title("Your public key?").Description("the line of ~/.ssh/id_ed25519.pub").Value(&a.Key).Validate(func(key string) error { return usableKey(a.User, key) }),
	))
	if err := form.RunWithContext(ctx); err != nil {
		return fmt.Errorf("init: nothing was written: %w", err)
	}
	a.Logs = nil
	for _, l := range strings.Split(logs, ",") {
		if l = strings.TrimSpace(l); l != "" {
			a.Logs = append(a.Logs, l)
		}
	}
	return nil
}
