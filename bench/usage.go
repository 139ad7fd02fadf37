package main

import (
	"encoding/json"
	"errors"
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has used so far.
type usage struct {
	CPU         time.Duration // all threads, user and system
	GC          time.Duration // the collector's part, as the runtime estimates it; stops of the world are in it
	Allocations uint64        // objects
	Resident    int64         // bytes, now
}

// usage asks the child.
func (c *child) usage() (u usage, err error) {
	if _, err := c.stdin.Write([]byte("usage\n")); err != nil {
		return u, err
	}
	line, err := c.stdout.ReadBytes('\n')
	if err != nil {
		return u, err
	}
	if err := json.Unmarshal(line, &u); err != nil {
		return u, err
	}
	if u.CPU, err = cpuOf(c.process.Process.Pid); err != nil {
		return u, err
	}
	u.Resident, err = residentOf(c.process.Process.Pid)
	return u, err
}

// readUsage is the part that only the process itself knows.
func readUsage() usage {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(samples)
	return usage{Allocations: samples[0].Value.Uint64(), GC: time.Duration(samples[1].Value.Float64() * float64(time.Second))}
}

// clockTick is USER_HZ, which Linux fixes at 100 for user space.
const clockTick = 10 * time.Millisecond

// cpuOf is the processor time a process has used.
func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat has another form")
	}
	return ticks(fields[11:13])
}

// ticks is the sum of times in clock ticks.
func ticks(fields []string) (total time.Duration, err error) {
	for _, f := range fields {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		total += time.Duration(n) * clockTick
	}
	return total, nil
}

// residentOf is a process's resident size.
func residentOf(pid int) (int64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc/PID/status has no VmRSS")
}
