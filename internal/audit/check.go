package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// checkSize is what Check writes: more than what is left of a block that a full disk has allotted already.
const checkSize = 16 << 10

// Check says whether events can be written: nil while none has failed, so that asking costs nothing. After a failure it tries
// again by itself, so that it hears of a disk with room again although nobody writes: it appends what is no event and takes it away. The
// context bounds the wait for the file, not what the operating system then takes.
func (l *Log) Check(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.turn }()
	switch {
	case l.file == nil:
		return ErrClosed
	case l.failed != nil:
		return l.failed
	case !l.refused && !l.Failing():
		return nil
	}
	if err := l.mend(); err != nil {
		return err
	}
	l.torn = true
	if _, err := l.file.Write(bytes.Repeat([]byte{' '}, checkSize)); err != nil {
		return errors.Join(fmt.Errorf("audit: %w", err), l.mend())
	}
	if err := l.mend(); err != nil {
		return err
	}
	l.refused = false
	l.counters.failing.Store(false)
	return nil
}
