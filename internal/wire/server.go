package wire

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server serves the services on one listener. Set the fields, then call Handler.
type Server struct {
	Services []*Service
	// Admit, if set, judges a request by its address and headers alone, before its body is read. What it refuses is answered and not
	// recorded: a flood must not fill the disk that the record is kept on. Service and Operation are set where path or target name them.
	Admit func(ctx context.Context, c *Call) error
	// Authenticate verifies the signature and sets c.Caller and c.Region.
	Authenticate func(ctx context.Context, c *Call) error
	// Authorize decides on c.Operation over c.Resources.
	Authorize func(ctx context.Context, c *Call) error
	// Finish writes the audit event; if it fails the client gets its *Error, or else InternalServerException, and nothing of the output.
	// Its context outlives the client's.
	Finish func(ctx context.Context, c *Call) error
	// MapError turns an error that is no *Error (store errors, foreign ones) into one; nil, or a nil answer: internal.
	MapError func(err error) *Error
	// Knowledge, if set, is the version of what this process remembers and judges requests by, and Learn brings that up to date with what
	// other processes have changed and gives the new version. A request that would be refused, or answered with Call.Denied, is decided once
	// more if the version has changed since it began: who was told of a change elsewhere is not refused here for want of it. A refusal that
	// has left a note in Call.Audit is final, since it may have had effects, and so is one that shall come later (RetryAfter). Set both or none.
	Knowledge func() int64
	Learn     func(ctx context.Context) int64
	// Observe, if set, hears of every request once its answer has been written, those refused by Admit too, and how long it took. The
	// call is the caller's alone and done with.
	Observe func(c *Call, took time.Duration)
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: slog.Default()
}

// Handler compiles the routes. Unknown paths and targets answer 404 UnknownOperationException as JSON (XML to who signs for a query service).
// It panics where a hook is missing that an operation needs: without them nothing could be refused or recorded.
func (s *Server) Handler() http.Handler { return s.handler() }

// Refusing answers every request 400 with why, in the shape that its client reads, and in all else as Handler would.
func (s *Server) Refusing(why string) http.Handler {
	h := s.handler()
	h.refuse = why
	return h
}

func (s *Server) handler() *handler {
	h := &handler{Server: *s, routes: newRoutes(s.Services)}
	if h.Now == nil {
		h.Now = time.Now
	}
	if h.Log == nil {
		h.Log = slog.Default()
	}
	if h.Finish == nil {
		panic("wire: Server.Finish is not set")
	}
	for _, svc := range s.Services {
		for i := range svc.Operations {
			o := &svc.Operations[i]
			if o.Auth == SigV4 && (h.Authenticate == nil || (h.Authorize == nil && !o.SelfAuthorizes)) {
				panic("wire: " + svc.Name + "." + o.Name + " needs Server.Authenticate and Server.Authorize")
			}
		}
	}
	return h
}

type handler struct {
	Server
	routes *routes
	refuse string    // why every request is refused; "" if they are served
	rooms  sync.Pool // of *room
}

// exchange is one request and what the door itself has to know of it.
type exchange struct {
	call     *Call
	protocol Protocol // of the answer; a guess until routing has succeeded
	plain    bool     // Service.PlainErrors
	query    params   // of path routes
	form     params   // of AWSQuery and OAuthForm
	allow    string   // the Allow header of a 405
	front    bool     // the error was made before the service's own code ran
	turned   bool     // refused by Admit
	answer   []byte
	room     *room
}

// room is memory that one request after the other uses. Nothing may keep a part of it beyond the answer.
type room struct {
	in, out []byte  // what answer and Call.Body lie in
	trail   [8]step // of decoding
}

// maxRoom bounds what is kept of each buffer: larger requests and answers are rare.
const maxRoom = 16 << 10

// enter finds a room for a request.
func (h *handler) enter() *room {
	if m, ok := h.rooms.Get().(*room); ok {
		return m
	}
	return new(room)
}

// leave hands the room on. Bodies and answers hold secrets, so they are wiped.
func (h *handler) leave(x *exchange) {
	m := x.room
	x.call.Body, x.answer, x.room = nil, nil, nil
	for _, b := range []*[]byte{&m.in, &m.out} {
		if cap(*b) > maxRoom {
			*b = nil
		}
		clear((*b)[:cap(*b)])
	}
	clear(m.trail[:])
	h.rooms.Put(m)
}

// take settles the route.
func (x *exchange) take(r route) {
	x.call.Service, x.call.Operation = r.service, r.operation
	x.protocol, x.plain = r.service.Protocol, r.service.PlainErrors
}

// ServeHTTP is the way of one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now() // Now is not for intervals
	c := &Call{RequestID: NewRequestID(), Request: r, Time: h.Now()}
	x := &exchange{call: c, front: true, room: h.enter()}
	if h.Observe != nil {
		defer func() { h.Observe(c, time.Since(began)) }()
	}
	ctx := WithCall(r.Context(), c)
	h.conclude(x, h.guard(x, func() error { return h.work(ctx, x) }))
	if !x.turned {
		if err := h.guard(x, func() error { return h.Finish(context.WithoutCancel(ctx), c) }); err != nil {
			c.Output, x.answer = nil, nil
			if _, ok := errors.AsType[*Error](err); !ok {
				err = internalError(x.protocol, x.plain, fmt.Errorf("finish: %w", err))
			}
			h.conclude(x, err)
		}
	}
	if x.write(w) == nil { // of an HTTP/2 stream that broke the answer may still be on its way out
		h.leave(x)
	}
}

// receive routes the request and reads its body, whose limit depends on the route: first by what stands outside of the
// body, then by the form.
func (h *handler) receive(ctx context.Context, x *exchange) error {
	c := x.call
	found, err := h.routeByHead(x)
	if refused := h.admit(ctx, x); refused != nil {
		return refused
	}
	switch {
	case h.refuse != "":
		return inputError(x.protocol, x.plain, &malformed{h.refuse})
	case err != nil:
		return err
	case !found:
		return h.receiveForm(x)
	}
	if err = x.readBody(c.Operation.maxBody(x.protocol)); err != nil {
		return err
	}
	if x.protocol == OAuthForm {
		if x.form, err = parseParams(string(c.Body), "request body"); err != nil {
			return inputError(x.protocol, x.plain, err)
		}
	}
	return nil
}

// routeByHead finds the route by path, then by target.
func (h *handler) routeByHead(x *exchange) (found bool, err error) {
	if found, err = h.routes.byPath(x); found || err != nil {
		return found, err
	}
	targets := x.call.Request.Header.Values("X-Amz-Target")
	switch {
	case len(targets) == 0:
		h.routes.guess(x)
		return false, nil
	case len(targets) > 1:
		x.protocol = AWSJSON11
		return false, inputError(AWSJSON11, false, &malformed{"The header X-Amz-Target is given more than once."})
	}
	return true, h.routes.byTarget(x, targets[0])
}

// admit asks Admit.
func (h *handler) admit(ctx context.Context, x *exchange) error {
	if h.Admit == nil {
		return nil
	}
	err := h.Admit(ctx, x.call)
	x.turned = err != nil
	return err
}

// receiveForm reads a query request: POST with a form, or GET with everything in the query string (as presigned
// requests have it).
func (h *handler) receiveForm(x *exchange) error {
	r := x.call.Request
	if !h.routes.takesForm(r) {
		return unknownOperation("There is no operation at this path.")
	}
	var err error
	if err = x.readBody(maxFormBody); err != nil {
		return err
	}
	text := r.URL.RawQuery
	if r.Method == http.MethodPost && len(x.call.Body) > 0 {
		text = strings.Trim(text+"&"+string(x.call.Body), "&")
	}
	x.form, err = parseParams(text, "form")
	if !strings.Contains(text, "Action=") {
		return h.routes.withoutAction(x)
	}
	if err != nil {
		return inputError(AWSQuery, false, err)
	}
	if _, ok := x.form.get("Action"); !ok {
		return h.routes.withoutAction(x)
	}
	if err := h.routes.byAction(x); err != nil {
		return err
	}
	if int64(len(x.call.Body)) > x.call.Operation.maxBody(AWSQuery) {
		return errTooLarge(x.call.Operation.maxBody(AWSQuery))
	}
	return nil
}

// decode reads the input and judges it.
func (x *exchange) decode() error {
	c := x.call
	in := c.Operation.plan.newIn()
	s, v := c.Operation.plan.in, reflect.ValueOf(in).Elem()
	r := &reading{at: x.room.trail[:0]}
	err := r.decode(s, v, x)
	if err == nil {
		c.Input = in
		err = r.validate(s, v)
	}
	if err != nil {
		var m *malformed
		x.front = errors.As(err, &m) // a constraint of the model is answered with an error of the model
		return inputError(x.protocol, x.plain, err)
	}
	return nil
}

func (r *reading) decode(s *shape, v reflect.Value, x *exchange) error {
	var seen, rest uint64
	var err error
	switch x.protocol {
	case AWSQuery:
		seen, err = r.decodeForm(s, v, x.form, false)
	case OAuthForm:
		if seen, err = r.decodeForm(s, v, x.form, true); err == nil {
			err = s.checkQuery(x.query, x.call.Operation.Query)
		}
	case AWSJSON11:
		seen, err = r.decodeJSON(s, v, x.call.Body)
	default:
		if s.inBody {
			seen, err = r.decodeJSON(s, v, x.call.Body)
		}
		if err == nil {
			rest, err = r.decodeRest(s, v, x.query, x.call.Request.Header, x.call.Operation.Query)
		}
	}
	if err != nil {
		return err
	}
	r.require(s, seen|rest)
	return nil
}

// guard turns a panic into an error, with one line in the log.
func (h *handler) guard(x *exchange, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			h.Log.Error("panic while serving a request", "request_id", x.call.RequestID, "operation", x.operationName(),
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = internalError(x.protocol, x.plain, fmt.Errorf("panic: %v", p))
		}
	}()
	return f()
}

// conclude settles what the client is told.
func (h *handler) conclude(x *exchange, err error) {
	if err == nil {
		return
	}
	var e *Error
	if !errors.As(err, &e) {
		if h.MapError != nil {
			e = h.MapError(err)
		}
		if e == nil {
			e = internalError(x.protocol, x.plain, err)
		}
	}
	if x.protocol == OAuthForm || (x.protocol == RestJSON1 && !x.plain && !x.front) {
		e = oauthFields(e)
	}
	x.call.Err, x.answer = e, nil
	if e.status() >= 500 {
		h.Log.Error("request failed", "request_id", x.call.RequestID, "operation", x.operationName(), "error", e.Error())
	}
}

func (x *exchange) operationName() string {
	if x.call.Operation == nil {
		return ""
	}
	return x.call.Service.Name + "." + x.call.Operation.Name
}

// NewRequestID is a random UUID (RFC 9562 version 4).
func NewRequestID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var t [36]byte
	hex.Encode(t[0:8], b[0:4])
	hex.Encode(t[9:13], b[4:6])
	hex.Encode(t[14:18], b[6:8])
	hex.Encode(t[19:23], b[8:10])
	hex.Encode(t[24:36], b[10:16])
	t[8], t[13], t[18], t[23] = '-', '-', '-', '-'
	return string(t[:])
}

func sizeText(n int64) string {
	if n%1024 == 0 {
		return strconv.FormatInt(n/1024, 10) + " KiB"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
