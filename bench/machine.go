package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// describe prints what the figures hang on: cores, disk, and what the primitives cost here.
func describe(folder string) error {
	flush, err := flushTime(folder)
	if err != nil {
		return err
	}
	sign, verify, err := cryptoTimes()
	if err != nil {
		return err
	}
	fmt.Printf("%s %s/%s, %d cores (%s), GOMAXPROCS %d, GOGC %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), processor(), runtime.GOMAXPROCS(0), or(os.Getenv("GOGC"), "100"))
	fmt.Printf("disk: %s; write of 4 KiB and fdatasync: median %v\n", fileSystem(folder), flush.Round(time.Microsecond))
	fmt.Printf("primitives on one core: ES256 sign %v, RS256 verify %v; load before the run: %s\n\n",
		sign.Round(time.Microsecond), verify.Round(time.Microsecond), loadAverage())
	return nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// flushTime is what one durable write waits for on the folder's disk.
func flushTime(folder string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(folder, "flush"))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	times := make([]time.Duration, 100)
	for i := range times {
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

func cryptoTimes() (sign, verify time.Duration, err error) {
	digest := sha256.Sum256([]byte("symbolon"))
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return 0, 0, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return 0, 0, err
	}
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		return 0, 0, err
	}
	sign = timed(func() { _, err = ec.Sign(rand.Reader, digest[:], crypto.SHA256) })
	verify = timed(func() { err = rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature) })
	return sign, verify, err
}

// timed is the median of many runs.
func timed(run func()) time.Duration {
	times := make([]time.Duration, 301)
	for i := range times {
		start := time.Now()
		run()
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[len(times)/2]
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
