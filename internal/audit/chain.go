package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrBroken is in the error of Verify where the chain does not hold.
var ErrBroken = errors.New("the chain is broken")

// link is one element of the chain: SHA-256 over the link before it and the event's bytes. The first link of a node's
// first file follows the zero link.
type link [sha256.Size]byte

// A line is the event's object with its link as last member, a suffix of fixed length. The first line of a file that
// continues another names the link it continues from, which is part of the event's bytes.
const (
	chainStart    = `,"chain":"`
	chainEnd      = `"}`
	chainLength   = len(chainStart) + 2*sha256.Size + len(chainEnd)
	previousStart = `,"previous":"`
	previousSize  = len(previousStart) + 2*sha256.Size + len(chainEnd)
)

// appendLine writes the event's line and returns the link after it.
func appendLine(dst, event []byte, before link) ([]byte, link) {
	after := next(before, event)
	dst = append(dst, event[:len(event)-1]...)
	dst = append(dst, chainStart...)
	dst = hex.AppendEncode(dst, after[:])
	return append(dst, chainEnd+"\n"...), after
}

// withPrevious returns the event's bytes for the first line of a continued file.
func withPrevious(event []byte, before link) []byte {
	out := append(make([]byte, 0, len(event)+previousSize), event[:len(event)-1]...)
	out = append(out, previousStart...)
	out = hex.AppendEncode(out, before[:])
	return append(out, chainEnd...)
}

func next(before link, event []byte) (after link) {
	h := sha256.New()
	h.Write(before[:])
	h.Write(event)
	h.Sum(after[:0])
	return after
}

// parseLine splits a line without its line break into the event's bytes and its link.
func parseLine(line []byte) (event []byte, after link, ok bool) {
	if len(line) < chainLength+1 || line[0] != '{' {
		return nil, after, false
	}
	start := len(line) - chainLength
	if after, ok = parseLink(line[start:], chainStart); !ok {
		return nil, after, false
	}
	return append(line[:start:start], '}'), after, true
}

// parseLink reads `<start><hex>"}`.
func parseLink(s []byte, start string) (l link, ok bool) {
	digits, found := bytes.CutPrefix(s, []byte(start))
	digits, closed := bytes.CutSuffix(digits, []byte(chainEnd))
	if !found || !closed || len(digits) != 2*len(l) {
		return l, false
	}
	_, err := hex.Decode(l[:], digits)
	return l, err == nil && bytes.Equal(hex.AppendEncode(nil, l[:]), digits) // lower case: one spelling only
}

// Verify reads a log and reports the first line at which the chain breaks (0 = whole). A break is also an error, which
// wraps ErrBroken; other errors are those of reading. A log that continues another after Reopen is checked from its
// first line on; VerifyAll checks the seam as well.
func Verify(path string) (line int, err error) {
	_, line, err = VerifyAll(path)
	return line, err
}

// VerifyAll verifies the files of one chain, oldest first, and that each continues the one before it. Where the chain
// breaks it names the file and the line.
func VerifyAll(paths ...string) (path string, line int, err error) {
	var last link
	for i, path := range paths {
		var line int
		if last, line, err = verifyFile(path, last, i > 0); err != nil {
			return path, line, fmt.Errorf("audit: %s: line %d: %w", path, line, err)
		}
	}
	return "", 0, nil
}

// verifyFile returns the last link of the file. before is the last link of the file before it, if bound.
func verifyFile(path string, before link, bound bool) (last link, line int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return last, 0, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	for last = before; ; {
		text, err := r.ReadBytes('\n')
		if err == io.EOF && len(text) == 0 {
			return last, 0, nil
		}
		if err != nil && err != io.EOF {
			return last, 0, err
		}
		line++
		text, whole := bytes.CutSuffix(text, []byte("\n"))
		event, after, ok := parseLine(text)
		if !whole || !ok {
			return last, line, ErrBroken
		}
		if line == 1 && !bound {
			last, _ = continues(event)
		}
		if previous, ok := continues(event); ok && previous != last || next(last, event) != after {
			return last, line, ErrBroken
		}
		last = after
	}
}

// continues returns the link that a file's first event says it follows; the zero link if it follows none.
func continues(event []byte) (link, bool) {
	if len(event) < previousSize {
		return link{}, false
	}
	return parseLink(event[len(event)-previousSize:], previousStart)
}
