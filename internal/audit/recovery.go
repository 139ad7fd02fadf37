package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxLine is more than any line of ours.
const maxLine = 2 * maxEvent

// openFile opens the file at path for appending, creating it for its owner alone.
func openFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err == nil && info.Size() == 0 {
		err = syncFolder(filepath.Dir(path)) // so that the file's name survives as surely as its content
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("audit: %w", err), f.Close())
	}
	return f, nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// maxUnsynced is more than can have been written to the file and not flushed when a machine goes down: seconds at full load.
const maxUnsynced = 32 << 20

// resume takes up the chain where the sound part of the file ends. If more follows, it returns the event that tells of it.
func (l *Log) resume(f *os.File) (note *Event, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	hole, err := firstHole(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	tail := make([]byte, min(hole, 2*maxLine))
	if _, err := f.ReadAt(tail, hole-int64(len(tail))); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	end := bytes.LastIndexByte(tail, '\n') + 1
	l.file, l.size = f, hole-int64(len(tail)-end)
	if len(tail)-end > maxLine {
		return nil, fmt.Errorf("audit: %s does not end in a line of an audit log", l.path)
	}
	if end > 0 {
		start := bytes.LastIndexByte(tail[:end-1], '\n') + 1
		_, last, ok := parseLine(tail[start : end-1])
		if !ok {
			return nil, fmt.Errorf("audit: %s does not end in a line of an audit log", l.path)
		}
		l.last = last
	}
	if l.size == info.Size() {
		return nil, nil
	}
	if l.size == 0 && !mayBegin(f) {
		return nil, fmt.Errorf("audit: %s is not an audit log", l.path)
	}
	return l.setAside(f, info.Size())
}

// firstHole is the offset of the first zero byte among what may not have been flushed when the power went, or size. Disks write what
// waits in any order: a file may have got its new length and its last lines, and zeros where the lines before them belong. Our lines
// hold no zero byte.
func firstHole(f *os.File, size int64) (int64, error) {
	buffer := make([]byte, 1<<16)
	for at := max(0, size-maxUnsynced); at < size; {
		n, err := f.ReadAt(buffer[:min(int64(len(buffer)), size-at)], at)
		if i := bytes.IndexByte(buffer[:n], 0); i >= 0 {
			return at + int64(i), nil
		}
		if at += int64(n); err != nil {
			return 0, err
		}
	}
	return size, nil
}

// mayBegin says whether a file without one whole line may be a log all the same: it begins as a line does, or with a hole.
func mayBegin(f *os.File) bool {
	first := []byte{'{'}
	_, err := f.ReadAt(first, 0)
	return err == nil && (first[0] == '{' || first[0] == 0)
}

// setAside moves what follows the sound part, a torn line or more, into a file of its own.
func (l *Log) setAside(f *os.File, size int64) (*Event, error) {
	path := l.path + ".torn-" + l.now().UTC().Format("20060102T150405.000000000Z")
	aside, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: setting a torn line aside: %w", err)
	}
	_, err = io.Copy(aside, io.NewSectionReader(f, l.size, size-l.size))
	if err = errors.Join(err, aside.Sync(), aside.Close()); err == nil {
		err = errors.Join(syncFolder(filepath.Dir(path)), f.Truncate(l.size), f.Sync())
	}
	if err != nil {
		return nil, fmt.Errorf("audit: setting a torn line aside: %w", err)
	}
	return &Event{
		UserIdentity: UserIdentity{Type: "Unknown"},
		EventSource:  "audit.symbolon",
		EventName:    "SetTornLineAside",
		EventType:    "AwsServiceEvent",
		ServiceEventDetails: map[string]any{
			"file":  filepath.Base(path),
			"bytes": size - l.size,
		},
	}, nil
}
