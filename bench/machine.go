package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// machine is what the figures hang on.
type machine struct {
	flushes           []time.Duration // write of 4 KiB and fdatasync on the disk measured, before each pass of one client alone
	sign, verify, mac time.Duration   // ES256, RS256, HMAC-SHA256 over 1 KiB, each on one core
}

// primitives is what the cryptography of one jwt-bearer grant with an ID token costs by itself: the assertion's signature verified, the
// ID token signed; the body's hash, the request's MAC and those of access and refresh token.
func (m machine) primitives() time.Duration { return m.sign + m.verify + 4*m.mac }

// describe prints the machine: cores, disk, and what the primitives cost here.
func describe(folder string) (m machine, err error) {
	flush, err := flushTime(folder)
	if err != nil {
		return m, err
	}
	if err := m.cryptoTimes(); err != nil {
		return m, err
	}
	fmt.Printf("%s %s/%s, %d cores (%s), GOMAXPROCS %d, GOGC %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), processor(), runtime.GOMAXPROCS(0), or(os.Getenv("GOGC"), "100"))
	fmt.Printf("disk: %s; write of 4 KiB and fdatasync: median %v\n", fileSystem(folder), flush.Round(time.Microsecond))
	fmt.Printf("primitives on one core: ES256 sign %v, RS256 verify %v, HMAC-SHA256 of 1 KiB %v; load before the run: %s\n\n",
		m.sign.Round(time.Microsecond), m.verify.Round(time.Microsecond), m.mac.Round(100*time.Nanosecond), loadAverage())
	return m, nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// timeFlush notes what a flush takes now.
func (m *machine) timeFlush(folder string) error {
	took, err := flushTime(folder)
	m.flushes = append(m.flushes, took)
	return err
}

// flushPause is about what a request takes beside its flush: a disk that has been left alone for that long answers later than one that is
// asked without a pause.
const flushPause = 300 * time.Microsecond

// flushTime is what one durable write waits for on the folder's disk, as one client alone makes them: one after the other,
// each appended.
func flushTime(folder string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(folder, "flush"))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	times := make([]time.Duration, 300)
	for i := range times {
		time.Sleep(flushPause)
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
		times[i] = time.Since(start)
	}
	return middle(times), nil
}

func (m *machine) cryptoTimes() error {
	digest := sha256.Sum256([]byte("symbolon"))
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		return err
	}
	m.sign = timed(func() { _, err = ec.Sign(rand.Reader, digest[:], crypto.SHA256) })
	m.verify = timed(func() {
		err = errors.Join(err, rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature))
	})
	text := make([]byte, 1024)
	m.mac = timed(func() {
		h := hmac.New(sha256.New, digest[:])
		h.Write(text)
		h.Sum(nil)
	})
	return err
}

// timed is the median of many runs.
func timed(run func()) time.Duration {
	times := make([]time.Duration, 301)
	for i := range times {
		start := time.Now()
		run()
		times[i] = time.Since(start)
	}
	return middle(times)
}

// processor is the CPU's name as Linux has it.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// fileSystem is the type of the mount the folder is on.
func fileSystem(folder string) string {
	text, _ := os.ReadFile("/proc/mounts")
	best, kind := "", "unknown file system"
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 2 && strings.HasPrefix(folder+"/", strings.TrimSuffix(f[1], "/")+"/") && len(f[1]) > len(best) {
			best, kind = f[1], f[2]+" on "+f[0]
		}
	}
	return kind
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(text))[:min(1, len(text))], "")
}
