package audit

import (
	"bytes"
	"errors"
	"fmt"
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

// resume takes up the chain where the file ends. If its last line is torn, it returns the event that tells of it.
func (l *Log) resume(f *os.File) (note *Event, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	tail := make([]byte, min(info.Size(), 2*maxLine))
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	end := bytes.LastIndexByte(tail, '\n') + 1
	torn := tail[end:]
	l.file, l.size = f, info.Size()-int64(len(torn))
	if len(torn) > maxLine {
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
	if len(torn) == 0 {
		return nil, nil
	}
	return l.setAside(f, torn)
}

// setAside moves a torn last line into a file of its own.
func (l *Log) setAside(f *os.File, torn []byte) (*Event, error) {
	path := l.path + ".torn-" + l.now().UTC().Format("20060102T150405.000000000Z")
	aside, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: setting a torn line aside: %w", err)
	}
	_, err = aside.Write(torn)
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
			"bytes": len(torn),
		},
	}, nil
}
