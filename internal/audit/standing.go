package audit

import (
	"fmt"
	"os"
)

// Standing says whether the file under the log's name is the one it writes, with all that it has written: nil, or what happened to it.
// The chain in the file cannot show that its last lines were taken away; this does while the log is open.
func (l *Log) Standing() error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	if l.file == nil {
		return ErrClosed
	}
	ours, err := l.file.Stat()
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	named, err := os.Stat(l.path)
	switch {
	case err != nil:
		return fmt.Errorf("audit: events go to a file that has lost its name: %w", err)
	case !os.SameFile(ours, named):
		return fmt.Errorf("audit: events go to a file that was renamed; %s is another", l.path)
	case ours.Size() < l.size:
		return fmt.Errorf("audit: %s has %d bytes, and %d were written: its end was cut off", l.path, ours.Size(), l.size)
	}
	return nil
}
