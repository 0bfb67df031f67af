// Package tui is the console: one root Bubble Tea model that shows what a
// station knows and acts through it.
//
// The package reads a station through Feed and acts through Operator, both
// declared here and implemented elsewhere. It knows detect and actions by
// their types only.
//
// Three rules keep it honest:
//
//   - No I/O in Update. A Feed answers at once from memory; an Operator is only
//     called inside a tea.Cmd. Each session loads the latest immutable snapshot
//     on its own tick, so a stalled terminal never slows the detector.
//   - Every character reaches the terminal through canvas.put, which makes
//     hostile text harmless and cuts at the edge of the line. Nothing else
//     writes text into a frame.
//   - Nothing dangerous happens by accident: Enter never confirms, a dialog
//     freezes the targets it was opened for, and a dialog that nobody asked for
//     swallows keys until the keyboard has been quiet.
//
// Concurrency: a Model belongs to the tea.Program that runs it.
package tui
