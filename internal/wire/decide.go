package wire

import (
	"context"
	"errors"
	"reflect"
)

// work does everything up to the encoded answer.
func (h *handler) work(ctx context.Context, x *exchange) error {
	if err := h.receive(ctx, x); err != nil {
		return err
	}
	if h.Learn == nil {
		return h.decide(ctx, x)
	}
	known := h.Knowledge()
	err := h.decide(ctx, x)
	if !x.denied(err) || h.Learn(ctx) == known {
		return err
	}
	x.forget()
	return h.decide(ctx, x)
}

// denied says whether a decision went against the client and may be made once more.
func (x *exchange) denied(err error) bool {
	if err == nil {
		return x.call.Denied
	}
	var refusal *Error
	return errors.As(err, &refusal) && refusal.status() < 500 && refusal.RetryAfter == 0 && len(x.call.Audit) == 0
}

// forget takes back what a first decision has left in the exchange.
func (x *exchange) forget() {
	c := x.call
	c.Region, c.Caller, c.Input, c.Output, c.Resources, c.Context = "", nil, nil, nil, nil, nil
	c.Audit, c.Denied = nil, false
	x.front, x.answer = true, nil
}

// decide answers a request that has been received.
func (h *handler) decide(ctx context.Context, x *exchange) error {
	c := x.call
	if c.Operation.Auth == SigV4 {
		if err := h.Authenticate(ctx, c); err != nil {
			return err
		}
	}
	if err := x.decode(); err != nil {
		return err
	}
	if err := c.findResources(ctx); err != nil {
		return err
	}
	if c.Operation.Auth == SigV4 && !c.Operation.SelfAuthorizes {
		if err := h.Authorize(ctx, c); err != nil {
			return err
		}
	}
	x.front = false
	out, err := c.Operation.plan.handle(ctx, c.Input)
	if err != nil {
		return err
	}
	if x.answer, err = x.encode(x.room.out[:0], out); err != nil {
		return internalError(x.protocol, x.plain, err)
	}
	c.Output, x.room.out = out, x.answer
	return nil
}

// findResources fills c.Resources.
func (c *Call) findResources(ctx context.Context) (err error) {
	if c.Service.Resources != nil {
		c.Resources, err = c.Service.Resources(ctx, c)
		return err
	}
	c.resource[0] = "*"
	c.Resources = c.resource[:]
	if arn := c.Operation.plan.in.resource(reflect.ValueOf(c.Input).Elem()); arn != "" {
		c.Resources[0] = arn
	}
	return nil
}
