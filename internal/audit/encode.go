package audit

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Events are written by hand, because every request has one: reflection would cost more than the rest of the log. TestEncoding holds
// the result against the struct's tags.

// append writes the event as one JSON object without line breaks.
func (e *Event) append(b []byte) ([]byte, error) {
	start := len(b)
	b, err := e.appendWhole(b)
	if err == nil && len(b)-start > maxEvent {
		short := *e // without the members whose size a caller chooses
		short.RequestParameters = jsontext.Value(`{"omitted":"the event was larger than 256 KiB"}`)
		short.ResponseElements, short.AdditionalEventData, short.ServiceEventDetails = nil, nil, nil
		if b, err = short.appendWhole(b[:start]); err == nil && len(b)-start > maxEvent {
			err = fmt.Errorf("%d bytes, more than %d", len(b)-start, maxEvent)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("audit: event %s: %w", cut(e.EventName), err)
	}
	return b, nil
}

func (e *Event) appendWhole(b []byte) (_ []byte, err error) {
	b = appendText(append(b, '{'), "eventVersion", e.EventVersion)
	b = e.UserIdentity.append(appendName(b, "userIdentity"))
	b = append(e.EventTime.UTC().AppendFormat(append(appendName(b, "eventTime"), '"'), time.RFC3339), '"')
	b = appendText(b, "eventSource", e.EventSource)
	b = appendText(b, "eventName", e.EventName)
	b = appendText(b, "awsRegion", e.AWSRegion)
	b = appendText(b, "sourceIPAddress", e.SourceIPAddress)
	b = appendGiven(b, "userAgent", cut(e.UserAgent))
	b = appendGiven(b, "errorCode", e.ErrorCode)
	b = appendGiven(b, "errorMessage", cut(e.ErrorMessage))
	if b, err = e.appendReady(appendName(b, "requestParameters"), e.RequestParameters); err != nil {
		return nil, err
	}
	if b, err = e.appendReady(appendName(b, "responseElements"), e.ResponseElements); err != nil {
		return nil, err
	}
	if b, err = e.appendDetails(b, "additionalEventData", e.AdditionalEventData); err != nil {
		return nil, err
	}
	if b, err = e.appendDetails(b, "serviceEventDetails", e.ServiceEventDetails); err != nil {
		return nil, err
	}
	return e.appendRest(b), nil
}

// appendRest writes the members behind those that may fail.
func (e *Event) appendRest(b []byte) []byte {
	b = appendText(b, "requestID", e.RequestID)
	b = appendText(b, "eventID", e.EventID)
	b = strconv.AppendBool(appendName(b, "readOnly"), e.ReadOnly)
	if len(e.Resources) > 0 {
		b = append(appendName(b, "resources"), '[')
		for i, r := range e.Resources {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(append(b, '{'), "type", r.Type)
			b = appendText(b, "ARN", r.ARN)
			b = append(appendGiven(b, "accountId", r.AccountID), '}')
		}
		b = append(b, ']')
	}
	b = appendText(b, "eventType", e.EventType)
	b = appendGiven(b, "recipientAccountId", e.RecipientAccountID)
	b = appendText(b, "eventCategory", e.EventCategory)
	if d := e.TLSDetails; d != nil {
		b = append(appendName(b, "tlsDetails"), '{')
		b = appendGiven(b, "tlsVersion", d.TLSVersion)
		b = appendGiven(b, "cipherSuite", d.CipherSuite)
		b = append(appendGiven(b, "clientProvidedHostHeader", d.ClientProvidedHostHeader), '}')
	}
	return append(b, '}')
}

func (u *UserIdentity) append(b []byte) []byte {
	b = appendText(append(b, '{'), "type", u.Type)
	b = appendGiven(b, "principalId", u.PrincipalID)
	b = appendGiven(b, "arn", u.ARN)
	b = appendGiven(b, "accountId", u.AccountID)
	b = appendGiven(b, "accessKeyId", u.AccessKeyID)
	b = appendGiven(b, "userName", u.UserName)
	b = appendGiven(b, "credentialId", u.CredentialID)
	if c := u.SessionContext; c != nil {
		b = append(appendName(append(appendName(b, "sessionContext"), '{'), "attributes"), '{')
		b = appendText(b, "creationDate", c.Attributes.CreationDate)
		b = append(appendText(b, "mfaAuthenticated", c.Attributes.MFAAuthenticated), '}')
		b = append(appendName(b, "sessionIssuer"), '{')
		b = appendText(b, "accountId", c.SessionIssuer.AccountID)
		b = appendText(b, "arn", c.SessionIssuer.ARN)
		b = appendText(b, "type", c.SessionIssuer.Type)
		b = append(appendText(b, "userName", c.SessionIssuer.UserName), "}}"...)
	}
	if o := u.OnBehalfOf; o != nil {
		b = appendText(append(appendName(b, "onBehalfOf"), '{'), "userId", o.UserID)
		b = append(appendText(b, "identityStoreArn", o.IdentityStoreARN), '}')
	}
	return append(b, '}')
}

// appendName begins a member of the object that b ends in.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(append(b, '"'), name...)
	return append(b, `":`...)
}

// appendText writes a member. Invalid UTF-8, which a User-Agent may hold, becomes U+FFFD: a client must not be able to make an event
// unwritable.
func appendText(b []byte, name, value string) []byte {
	b, _ = jsontext.AppendQuote(appendName(b, name), value) // its error tells of nothing else
	return b
}

// appendGiven leaves out what is empty.
func appendGiven(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendText(b, name, value)
}

// appendReady writes a value that came as JSON: one value, in one line, no name twice.
func (e *Event) appendReady(b []byte, v jsontext.Value) ([]byte, error) {
	switch {
	case v == nil:
		return append(b, "null"...), nil
	case e.Encoded && len(v) > 0 && bytes.IndexByte(v, '\n') < 0: // whoever was wrong about it must not break the line
		return append(b, v...), nil
	}
	return jsontext.AppendFormat(b, v, jsontext.AllowInvalidUTF8(true))
}

// appendDetails writes a member that is a map, the same for the same map, or ready JSON; nothing where there is nothing in it.
func (e *Event) appendDetails(b []byte, name string, details any) ([]byte, error) {
	switch d := details.(type) {
	case nil:
		return b, nil
	case jsontext.Value:
		return e.appendReady(appendName(b, name), d)
	case map[string]any:
		if len(d) == 0 {
			return b, nil
		}
	}
	text, err := json.Marshal(details, json.Deterministic(true), json.FormatNilMapAsNull(true), jsontext.AllowInvalidUTF8(true))
	return append(appendName(b, name), text...), err
}
