package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// pass is one measured pass: prepared requests, over so many connections.
type pass struct {
	elapsed, cpu time.Duration
	gc           time.Duration // the collector's part of cpu
	allocations  uint64
	database     time.Duration   // the database's processor time
	resident     int64           // bytes, when it was over
	latencies    []time.Duration // of the successes
	failures     int
	firstFailure string
	bodies       [][]byte // by request; nil where it failed
}

// drive sends the requests over n connections, each as soon as its predecessor on the connection is answered.
func drive(ctx context.Context, c *child, n int, requests [][]byte, keep bool) (*pass, error) {
	d := &driver{pass: pass{bodies: make([][]byte, len(requests))}, ctx: ctx, requests: requests, keep: keep, took: make([]time.Duration, len(requests))}
	conns := make([]net.Conn, n)
	for i := range conns {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.address)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		conns[i] = conn
	}
	before, err := c.usage()
	if err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	start := time.Now()
	for _, conn := range conns {
		wg.Go(func() { d.use(conn) })
	}
	wg.Wait()
	d.elapsed = time.Since(start)
	after, err := c.usage()
	d.cpu, d.gc, d.allocations, d.resident = after.CPU-before.CPU, after.GC-before.GC, after.Allocations-before.Allocations, after.Resident
	d.latencies = slices.DeleteFunc(d.took, func(took time.Duration) bool { return took == 0 })
	slices.Sort(d.latencies)
	return &d.pass, errors.Join(err, d.broken, ctx.Err())
}

// driver is a pass under way.
type driver struct {
	pass
	ctx      context.Context
	requests [][]byte
	keep     bool
	next     atomic.Int64
	took     []time.Duration // by request; 0 where it failed

	mu     sync.Mutex // guards the failures
	broken error
}

// use takes the next request again and again until there is none.
func (d *driver) use(conn net.Conn) {
	e := exchanger{conn: conn, buffer: make([]byte, 32<<10)}
	for {
		i := int(d.next.Add(1)) - 1
		if i >= len(d.requests) || d.ctx.Err() != nil {
			return
		}
		sent := time.Now()
		status, body, err := e.exchange(d.requests[i])
		took := time.Since(sent)
		switch {
		case err != nil:
			d.mu.Lock()
			d.broken = errors.Join(d.broken, err)
			d.mu.Unlock()
			return
		case status != 200:
			d.mu.Lock()
			d.failures++
			d.firstFailure = fmt.Sprintf("HTTP %d %s", status, body)
			d.mu.Unlock()
			continue
		case d.keep:
			d.bodies[i] = bytes.Clone(body)
		}
		d.took[i] = took
	}
}

// exchanger speaks as much HTTP/1.1 as the two servers answer: a status line, Content-Length, a body.
type exchanger struct {
	conn   net.Conn
	buffer []byte
}

var (
	headEnd       = []byte("\r\n\r\n")
	contentLength = []byte("\r\nContent-Length: ")
)

// exchange sends one request and reads its answer, which is good until the next one.
func (e *exchanger) exchange(request []byte) (status int, body []byte, err error) {
	if err := e.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return 0, nil, err
	}
	if _, err := e.conn.Write(request); err != nil {
		return 0, nil, err
	}
	have, head, total := 0, -1, 0
	for head < 0 || have < total {
		if have == len(e.buffer) {
			return 0, nil, errors.New("the answer is longer than the buffer")
		}
		n, err := e.conn.Read(e.buffer[have:])
		if err != nil {
			return 0, nil, err
		}
		have += n
		if head < 0 {
			if head = bytes.Index(e.buffer[:have], headEnd); head < 0 {
				continue
			}
			length, err := lengthIn(e.buffer[:head+2])
			if err != nil {
				return 0, nil, err
			}
			head += len(headEnd)
			total = head + length
		}
	}
	status, err = strconv.Atoi(string(e.buffer[9:12]))
	return status, e.buffer[head:total], err
}

func lengthIn(head []byte) (int, error) {
	at := bytes.Index(head, contentLength)
	if at < 0 {
		return 0, fmt.Errorf("an answer without Content-Length: %q", head)
	}
	value := head[at+len(contentLength):]
	return strconv.Atoi(string(value[:bytes.IndexByte(value, '\r')]))
}
