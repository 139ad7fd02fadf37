package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"
)

// ErrClosed is what Write returns after Close.
var ErrClosed = errors.New("audit: the log is closed")

// ErrInUse is what Open and Reopen return when another Log, of whatever process, has the file open.
var ErrInUse = errors.New("audit: another server writes to this log")

// syncEvery bounds how long an event may be with the operating system only.
const syncEvery = time.Second

// Log is the JSONL sink of one node. Events are chained: each line carries "chain", the SHA-256 of the previous line's
// chain and its own event bytes, so that a cut or a change shows. Safe for concurrent use. Only one Log at a time may
// have a file open.
//
// Writes that come while another is with the operating system gather in a batch, which goes there in one call.
type Log struct {
	path    string
	now     func() time.Time
	buffers sync.Pool // of *[]byte, for events being encoded

	counters counters

	mu      sync.Mutex
	pending *batch   // what the next call to the operating system will take; nil if nothing waits
	spare   [2]batch // the slices of earlier batches, to be filled again: while one is being written the next one gathers

	// turn is held by whoever is at the file, and guards all that follows.
	turn      chan struct{}
	file      file // nil after Close
	size      int64
	last      link
	continued bool   // the next line is the first of a file that continues another
	torn      bool   // the file may hold more than size bytes, of a write that failed
	refused   bool   // the last write failed
	failed    error  // a sync failed: what the disk has is unknown until Reopen
	unsynced  bool   // a sync is due and its timer set
	lines     []byte // scratch
}

// file is what a Log needs of *os.File; tests put faults in between.
type file interface {
	io.WriteCloser
	Truncate(size int64) error
	Sync() error
	Stat() (os.FileInfo, error)
}

// batch is events that are written together.
type batch struct {
	events []byte // one after the other
	ends   []int  // where each ends
	done   chan struct{}
	err    error // set before done is closed
}

// Open appends to the file at path (created 0600), continuing its chain. A torn last line, of a process that died writing it, is moved
// to a file path + ".torn-" + time, and an event in the log says so; so is everything from the first hole on that a loss of power left
// among the last lines, where some reached the disk and some before them did not. A file that does not end in a line of a Log's is
// refused.
func Open(path string) (*Log, error) {
	l := &Log{path: path, now: time.Now, turn: make(chan struct{}, 1)}
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	note, err := l.resume(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if note != nil {
		if err := l.Write(context.Background(), note); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// Write appends the event and returns when it has been handed to the operating system together with the others of its
// batch. EventVersion, EventID, EventCategory and EventTime are filled if empty. An error means: do not answer with
// success; nothing of the event is in the log then, and a later Write may succeed.
//
// The event is written even if ctx has ended: what happened happened.
func (l *Log) Write(_ context.Context, e *Event) error {
	e.fill(l.now)
	buf, _ := l.buffers.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	event, err := e.append((*buf)[:0])
	if err != nil {
		return err
	}
	b, first := l.join(event)
	*buf = event
	l.buffers.Put(buf)
	if first {
		// Whoever is ready to run may have an event, too: they come first, and one call to the operating system serves all.
		runtime.Gosched()
		l.turn <- struct{}{}
		l.flush()
		<-l.turn
	}
	<-b.done
	return b.err
}

// join adds an event to the pending batch. Whoever is the first in it has to flush it; Reopen or Close may have done so by then.
func (l *Log) join(event []byte) (b *batch, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if first = l.pending == nil; first {
		l.pending = &batch{events: l.spare[0].events[:0], ends: l.spare[0].ends[:0], done: make(chan struct{})}
		l.spare = [2]batch{l.spare[1]}
	}
	b = l.pending
	b.events = append(b.events, event...)
	b.ends = append(b.ends, len(b.events))
	return b, first
}

// flush writes the pending batch, if any. Needs the turn.
func (l *Log) flush() {
	l.mu.Lock()
	b := l.pending
	l.pending = nil
	l.mu.Unlock()
	if b == nil {
		return
	}
	before := l.size
	b.err = l.write(b)
	l.count(b, l.size-before)
	if cap(b.events) <= maxLine {
		l.mu.Lock()
		l.spare = [2]batch{{events: b.events, ends: b.ends}, l.spare[0]}
		l.mu.Unlock()
	}
	close(b.done)
}

// write hands a batch to the operating system, all of it or nothing. Needs the turn.
func (l *Log) write(b *batch) error {
	switch {
	case l.file == nil:
		return ErrClosed
	case l.failed != nil:
		return l.failed
	}
	l.refused = true // until it is done
	if err := l.mend(); err != nil {
		return err
	}
	lines, last, start := l.lines[:0], l.last, 0
	for i, end := range b.ends {
		event := b.events[start:end]
		if i == 0 && l.continued {
			event = withPrevious(event, last)
		}
		lines, last = appendLine(lines, event, last)
		start = end
	}
	if l.lines = lines; cap(lines) > maxLine {
		l.lines = nil
	}
	if _, err := l.file.Write(lines); err != nil {
		l.torn = true
		return errors.Join(fmt.Errorf("audit: %w", err), l.mend())
	}
	l.size += int64(len(lines))
	l.refused = false
	l.last, l.continued = last, false
	if !l.unsynced {
		l.unsynced = true
		time.AfterFunc(syncEvery, l.sync)
	}
	return nil
}

// mend removes what a failed write left. While that is impossible nothing is written. Needs the turn.
func (l *Log) mend() error {
	if !l.torn {
		return nil
	}
	if err := l.file.Truncate(l.size); err != nil {
		return fmt.Errorf("audit: removing a torn line: %w", err)
	}
	l.torn = false
	return nil
}

// sync brings to the disk what was written until now, without keeping writers waiting.
func (l *Log) sync() {
	l.turn <- struct{}{}
	f := l.file
	l.unsynced = false
	<-l.turn
	if f == nil {
		return
	}
	err := f.Sync()
	if err == nil || errors.Is(err, os.ErrClosed) { // closed since, and synced before that
		return
	}
	l.turn <- struct{}{}
	if l.file == f {
		l.failed = fmt.Errorf("audit: %w", err)
		l.counters.failing.Store(true)
	}
	<-l.turn
}

// Reopen lets go of the file, which a log rotation has renamed, and goes on in a new one at the same path; the chain
// carries on in it. If nothing was renamed, nothing changes. If the new file cannot be had, the log stays in the old
// one; an error of the old one alone is returned too, but the log has moved on then.
func (l *Log) Reopen() error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	if l.file == nil {
		return ErrClosed
	}
	l.flush()
	f, err := openFile(l.path)
	if err != nil {
		return err
	}
	before, err := l.file.Stat()
	after, errAfter := f.Stat()
	switch {
	case err != nil || errAfter != nil:
		return errors.Join(fmt.Errorf("audit: %w", errors.Join(err, errAfter)), f.Close())
	case os.SameFile(before, after):
		return f.Close()
	}
	if err := lock(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if after.Size() != 0 {
		return errors.Join(fmt.Errorf("audit: %s is another log, not an empty file to continue in", l.path), f.Close())
	}
	err = errors.Join(l.mend(), l.file.Sync(), l.file.Close())
	l.file, l.size, l.torn, l.refused, l.failed = f, 0, false, false, nil
	l.counters.failing.Store(false)
	l.continued = l.last != link{}
	return err
}

// Close flushes to disk and closes. What was waiting is written first; a Write after it fails with ErrClosed.
func (l *Log) Close() error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	if l.file == nil {
		return nil
	}
	l.flush()
	err := errors.Join(l.mend(), l.file.Sync(), l.file.Close(), l.failed)
	l.file = nil
	return err
}
