// Package story tests levee from the first line of a log to the message in
// somebody's inbox, with everything between that is real: docs/story.md tells
// it in words.
package story
