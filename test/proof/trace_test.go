package proof

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// recorder records every system call by which a process changes files below a folder or answers on a socket: it runs the
// process under strace (1). Processes may follow one another; the recording goes on.
type recorder struct {
	root string // an absolute folder

	mu      sync.Mutex
	at      []int64 // the moment of every line
	process int
	calls   []systemCall   // in the order of their ends
	answers map[string]int // by request id: the line at which the answer's first byte was about to leave
	faults  []error
	reading sync.WaitGroup

	logs atomic.Int64 // how often the store began its log, the first time and after a stop included
}

// systemCall is one call. The lines are positions in the trace, which has causes before effects: what the system did for a call
// it did between them.
type systemCall struct {
	name         string
	process      int
	began, ended int   // where a process was killed in it, the end is the process's
	at           int64 // moment it began
	arguments    []string
	data         []byte // what a write writes, as far as it was taken
	result       int64
}

// traced are the calls that change files or folders, make them durable, or send. Those that the disk does not understand are
// among them: should they ever concern a file below the root, the proof fails rather than misses them.
const traced = "open,openat,openat2,creat,write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,splice,copy_file_range," +
	"fsync,fdatasync,sync_file_range,syncfs,sync,msync,mmap,ftruncate,truncate,fallocate,rename,renameat,renameat2,link,linkat,symlink,symlinkat," +
	"unlink,unlinkat,mkdir,mkdirat,rmdir,io_uring_setup"

// newRecorder skips the test where nothing can be recorded.
func newRecorder(t *testing.T, root string) *recorder {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("MISSING: strace: power loss is not simulated")
	}
	if out, err := exec.Command(strace, "-f", "--seccomp-bpf", "-o", os.DevNull, "-e", "trace=fsync", "true").CombinedOutput(); err != nil {
		t.Skipf("MISSING: permission to trace processes: power loss is not simulated: %v %s", err, out)
	}
	return &recorder{root: root, answers: map[string]int{}}
}

// command is the program under strace, which stands behind it: the process that starts is the program. The recording is whole
// once finish returns.
func (r *recorder) command(program string, args ...string) (c *exec.Cmd, started func(), err error) {
	r.reading.Wait() // for all of the process before
	log, to, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	c = exec.Command("strace", append([]string{
		"-D", "-f", "--seccomp-bpf", "-y", "-xx", "-ttt", "-s", "16777216", "-o", "/dev/fd/3", "-e", "trace=" + traced, program,
	}, args...)...)
	c.ExtraFiles = []*os.File{to}
	return c, func() {
		to.Close() // now the processes alone hold it
		r.reading.Go(func() {
			defer log.Close()
			r.read(log)
		})
	}, nil
}

// finish waits until the processes are gone and everything is read.
func (r *recorder) finish(t *testing.T) {
	t.Helper()
	r.reading.Wait()
	if err := errors.Join(r.faults...); err != nil {
		t.Fatal("the trace cannot be understood:", err)
	}
}

// partial is a call whose end stands on a later line.
type partial struct {
	text  []byte
	began int
	at    int64
}

func (r *recorder) read(log io.Reader) {
	r.mu.Lock()
	r.process++
	process := r.process
	r.mu.Unlock()
	open := map[string]partial{} // by thread
	lines := bufio.NewReaderSize(log, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			r.line(process, open, bytes.TrimRight(line, "\n"))
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			r.fault(err)
			break
		}
	}
	for _, p := range open {
		if err := r.settle(process, p); err != nil {
			r.fault(err)
		}
	}
}

// settle finds out what became of a call in which the process was killed: a write has put there all, some or nothing of what it was to.
// The next process has not begun yet.
func (r *recorder) settle(process int, p partial) error {
	if isSocket(p.text) || !bytes.Contains(p.text, []byte(hexText(r.root))) {
		return nil
	}
	c, err := parseCall(append(p.text, ") = 0"...))
	if err != nil {
		return err
	}
	switch c.name {
	case "fsync", "fdatasync", "mmap", "open", "openat": // not done, or nothing that lasts
		return nil
	case "write", "pwrite64":
	default:
		return fmt.Errorf("killed in %.100q, which may have happened or not", p.text)
	}
	if c, err = parseCall(append(p.text, ") = ?"...)); err != nil {
		return err
	}
	_, path, err := descriptor(c.arguments[0])
	if err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if c.name == "pwrite64" {
		offset, err := strconv.Atoi(c.arguments[3])
		if err != nil {
			return err
		}
		content = content[min(len(content), offset):]
		content = content[:min(len(content), len(c.data))]
	}
	for c.name == "write" && !bytes.HasSuffix(content, c.data) || c.name == "pwrite64" && !bytes.HasPrefix(content, c.data) {
		c.data = c.data[:len(c.data)-1]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(c.data) > 0 {
		c.process, c.began, c.ended, c.at = process, p.began, len(r.at), p.at
		r.calls = append(r.calls, c)
	}
	return nil
}

func (r *recorder) fault(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, err)
}

func (r *recorder) line(process int, open map[string]partial, line []byte) {
	thread, rest, _ := bytes.Cut(line, []byte(" "))
	stamp, text, _ := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	at, err := parseStamp(string(stamp))
	if err != nil {
		r.fault(fmt.Errorf("%w in %.200q", err, line))
		return
	}
	r.mu.Lock()
	n := len(r.at)
	r.at = append(r.at, at)
	r.mu.Unlock()
	const unfinished = " <unfinished ...>"
	switch {
	case bytes.HasPrefix(text, []byte("+++")), bytes.HasPrefix(text, []byte("---")):
	case bytes.HasPrefix(text, []byte("<... ")):
		p, known := open[string(thread)]
		_, end, found := bytes.Cut(text, []byte(" resumed>"))
		if !known || !found {
			r.fault(fmt.Errorf("the end of nothing: %.200q", line))
			return
		}
		delete(open, string(thread))
		if bytes.HasSuffix(end, []byte("= ?")) { // killed in it
			open[string(thread)] = p
			return
		}
		r.add(process, p, n, append(p.text, end...))
	case bytes.HasSuffix(text, []byte(") = ?")):
		open[string(thread)] = partial{bytes.TrimRight(bytes.TrimSuffix(text, []byte("= ?")), " )"), n, at}
	case bytes.HasSuffix(text, []byte(unfinished)):
		p := partial{bytes.TrimSuffix(text, []byte(unfinished)), n, at}
		open[string(thread)] = p
		r.answer(p)
	default:
		p := partial{began: n, at: at, text: text}
		r.answer(p)
		r.add(process, p, n, text)
	}
}

// parseStamp reads seconds since 1970 as a moment of histories.
func parseStamp(text string) (int64, error) {
	seconds, fraction, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return 0, err
	}
	micros, err := strconv.ParseInt(fraction, 10, 64)
	return s*1e9 + micros*1e3 - began.UnixNano(), err
}

// socket is how the path of a socket begins, and requestID the header in the first bytes of every answer, both in hex.
var (
	socket    = hexText("socket:")
	requestID = hexText("X-Amzn-Requestid: ")
)

func hexText(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, `\x%02x`, s[i])
	}
	return b.String()
}

// answer notes that an answer is about to leave.
func (r *recorder) answer(p partial) {
	if !isSocket(p.text) {
		return
	}
	_, rest, found := bytes.Cut(p.text, []byte(requestID))
	if !found {
		return
	}
	id, _, _ := bytes.Cut(rest, []byte(hexText("\r\n")))
	text, err := unhex(id)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.faults = append(r.faults, err)
	} else if _, again := r.answers[string(text)]; !again {
		r.answers[string(text)] = p.began
	}
}

// isSocket says whether the first argument is a socket.
func isSocket(call []byte) bool {
	_, rest, _ := bytes.Cut(call, []byte("<"))
	return bytes.HasPrefix(rest, []byte(socket))
}

// add understands a whole call.
func (r *recorder) add(process int, p partial, ended int, text []byte) {
	if isSocket(text) {
		return
	}
	c, err := parseCall(text)
	if err != nil {
		r.fault(err)
		return
	}
	if c.result < 0 || !bytes.Contains(text, []byte(hexText(r.root))) && c.name != "io_uring_setup" && c.name != "sync" {
		return
	}
	c.process, c.began, c.ended, c.at = process, p.began, ended, p.at
	if c.beginsLog() {
		r.logs.Add(1)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, c)
}

// parseCall reads `name(arguments) = result`, every text in hex. A call without a result took all it was given.
func parseCall(text []byte) (c systemCall, err error) {
	end := bytes.LastIndex(text, []byte("= "))
	open := bytes.IndexByte(text, '(')
	if end < 0 || open < 0 || open > end {
		return c, fmt.Errorf("not a call: %.200q", text)
	}
	c.name = string(text[:open])
	inside := bytes.TrimRight(text[open+1:end], " ")
	if !bytes.HasSuffix(inside, []byte(")")) {
		return c, fmt.Errorf("not a call: %.200q", text)
	}
	result, _, _ := strings.Cut(string(text[end+2:]), " ")
	result, _, _ = strings.Cut(result, "<")
	for _, a := range bytes.Split(inside[:len(inside)-1], []byte(", ")) {
		c.arguments = append(c.arguments, string(a)) // a copy, which does not keep the whole line
	}
	if c.name == "write" || c.name == "pwrite64" {
		if len(c.arguments) < 3 {
			return c, fmt.Errorf("not a write: %.200q", text)
		}
		if c.data, err = unquote(c.arguments[1]); err != nil {
			return c, err
		}
		c.arguments[1] = ""
	}
	if result == "?" {
		return c, nil
	}
	if c.result, err = strconv.ParseInt(result, 0, 64); err != nil {
		return c, fmt.Errorf("%w in the result of %.200q", err, text)
	}
	if c.data != nil && c.result >= 0 {
		c.data = c.data[:c.result]
	}
	return c, nil
}

// unquote reads a text in quotes and hex.
func unquote(s string) ([]byte, error) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return nil, fmt.Errorf("not a whole text: %.40s…", s)
	}
	return unhex([]byte(s[1 : len(s)-1]))
}

// unhex reads \x2f\x74….
func unhex(s []byte) ([]byte, error) {
	digits := bytes.ReplaceAll(s, []byte(`\x`), nil)
	if len(digits)*2 != len(s) {
		return nil, fmt.Errorf("not in hex: %.40s…", s)
	}
	out := make([]byte, len(digits)/2)
	_, err := hex.Decode(out, digits)
	return out, err
}

// descriptor reads `7<\x2f…>` or `AT_FDCWD<…>`: the number, -1 for the latter, and the path.
func descriptor(s string) (fd int, path string, err error) {
	number, rest, found := strings.Cut(s, "<")
	if !found {
		return -1, "", fmt.Errorf("no path in %.80q", s)
	}
	text, _, _ := strings.Cut(rest, ">")
	p, err := unhex([]byte(text))
	if err != nil || number == "AT_FDCWD" {
		return -1, string(p), err
	}
	fd, err = strconv.Atoi(number)
	return fd, string(p), err
}

// pathArgument is the absolute path of argument i; at is the folder's argument, -1 if the call has none.
func (c *systemCall) pathArgument(at, i int) (string, error) {
	if i >= len(c.arguments) {
		return "", fmt.Errorf("%s has %d arguments", c.name, len(c.arguments))
	}
	p, err := unquote(c.arguments[i])
	if err != nil || filepath.IsAbs(string(p)) {
		return string(p), err
	}
	if at < 0 {
		return "", fmt.Errorf("%s: %s is relative to an unknown folder", c.name, p)
	}
	_, folder, err := descriptor(c.arguments[at])
	return filepath.Join(folder, string(p)), err
}
