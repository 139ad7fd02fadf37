package ssoadmin

import (
	"testing"
	"time"
)

func TestClientToken(t *testing.T) {
	h := open(t)
	in := params{"InstanceArn": h.a.instance, "ApplicationProviderArn": CustomProvider, "Name": "once", "ClientToken": "token-1"}
	first := h.a.ok(t, "CreateApplication", in)["ApplicationArn"]
	if again := h.a.ok(t, "CreateApplication", in)["ApplicationArn"]; again != first {
		t.Errorf("the same token made %v and %v", first, again)
	}
	h.a.refused(t, "CreateApplication", with(in, params{"Name": "twice"}), "ConflictException")
	if other := h.a.ok(t, "CreateApplication", with(in, params{"ClientToken": "token-2"}))["ApplicationArn"]; other == first {
		t.Error("another token made the same application")
	}
	// A token belongs to the account that used it, and to the operation.
	h.b.ok(t, "CreateApplication", with(in, params{"InstanceArn": h.b.instance}))
	h.a.ok(t, "CreateTrustedTokenIssuer", with(h.a.issuerParams("other"), params{"ClientToken": "token-1"}))
	h.a.refused(t, "CreateTrustedTokenIssuer", with(h.a.issuerParams("another"), params{"ClientToken": "token-1"}), "ConflictException")

	h.clock = h.clock.Add(clientTokenLife - time.Second)
	if again := h.a.ok(t, "CreateApplication", in)["ApplicationArn"]; again != first {
		t.Error("the token is forgotten before its time")
	}
	h.clock = h.clock.Add(time.Second)
	if again := h.a.ok(t, "CreateApplication", in)["ApplicationArn"]; again == first {
		t.Error("the token is remembered after its time")
	}
	// A create that failed is not remembered.
	h.a.refused(t, "CreateApplication", with(in, params{"ClientToken": "token-3", "Tags": []params{{"Key": "aws:x", "Value": ""}}}), "ValidationException")
	h.a.ok(t, "CreateApplication", with(in, params{"ClientToken": "token-3"}))
}

func TestClientTokenRace(t *testing.T) {
	h := open(t)
	in := params{"InstanceArn": h.a.instance, "ApplicationProviderArn": CustomProvider, "Name": "race", "ClientToken": "t"}
	arns := make(chan any, 8)
	for range cap(arns) {
		go func() {
			_, out := h.call(t, h.a.account, "CreateApplication", in)
			arns <- out["ApplicationArn"]
		}()
	}
	seen := map[any]bool{}
	for range cap(arns) {
		seen[<-arns] = true
	}
	if len(seen) != 1 || seen[nil] {
		t.Errorf("one token made %v", seen)
	}
}
