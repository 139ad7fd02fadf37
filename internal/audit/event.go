package audit

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Event is one record, fields as CloudTrail's (eventVersion 1.11).
type Event struct {
	EventVersion        string         `json:"eventVersion"`
	UserIdentity        UserIdentity   `json:"userIdentity"`
	EventTime           time.Time      `json:"eventTime"` // written in UTC and whole seconds
	EventSource         string         `json:"eventSource"`
	EventName           string         `json:"eventName"`
	AWSRegion           string         `json:"awsRegion"`
	SourceIPAddress     string         `json:"sourceIPAddress"`
	UserAgent           string         `json:"userAgent,omitempty"`
	ErrorCode           string         `json:"errorCode,omitempty"`
	ErrorMessage        string         `json:"errorMessage,omitempty"`
	RequestParameters   jsontext.Value `json:"requestParameters"`             // nil = null
	ResponseElements    jsontext.Value `json:"responseElements"`              // likewise
	AdditionalEventData any            `json:"additionalEventData,omitempty"` // a map, or a jsontext.Value that is ready; with "refusalReason": the exact reason
	ServiceEventDetails map[string]any `json:"serviceEventDetails,omitempty"`
	RequestID           string         `json:"requestID"`
	EventID             string         `json:"eventID"`
	ReadOnly            bool           `json:"readOnly"`
	Resources           []Resource     `json:"resources,omitempty"`
	EventType           string         `json:"eventType"`
	RecipientAccountID  string         `json:"recipientAccountId,omitempty"`
	EventCategory       string         `json:"eventCategory"`
	TLSDetails          *TLSDetails    `json:"tlsDetails,omitempty"`

	// Encoded says that every jsontext.Value here is fresh from an encoder: one valid value without blanks, no name in it twice. It is
	// written as it is. Without it each is read and written once more.
	Encoded bool `json:"-"`
}

// UserIdentity is who called.
type UserIdentity struct {
	Type           string          `json:"type"` // Root, IAMUser, AssumedRole, IdentityCenterUser, Unknown
	PrincipalID    string          `json:"principalId,omitempty"`
	ARN            string          `json:"arn,omitempty"`
	AccountID      string          `json:"accountId,omitempty"`
	AccessKeyID    string          `json:"accessKeyId,omitempty"`
	UserName       string          `json:"userName,omitempty"`
	CredentialID   string          `json:"credentialId,omitempty"`
	SessionContext *SessionContext `json:"sessionContext,omitempty"`
	OnBehalfOf     *OnBehalfOf     `json:"onBehalfOf,omitempty"`
}

// SessionContext says where a role session comes from.
type SessionContext struct {
	Attributes    SessionAttributes `json:"attributes"`
	SessionIssuer SessionIssuer     `json:"sessionIssuer"`
}

// SessionAttributes are of the session itself.
type SessionAttributes struct {
	CreationDate     string `json:"creationDate"`     // RFC 3339
	MFAAuthenticated string `json:"mfaAuthenticated"` // "true" or "false"
}

// SessionIssuer is the role.
type SessionIssuer struct {
	AccountID string `json:"accountId"`
	ARN       string `json:"arn"`
	Type      string `json:"type"`
	UserName  string `json:"userName"`
}

// OnBehalfOf is the Identity Center user a session acts for.
type OnBehalfOf struct {
	UserID           string `json:"userId"`
	IdentityStoreARN string `json:"identityStoreArn"`
}

// Resource is one resource of the event.
type Resource struct {
	Type      string `json:"type"`
	ARN       string `json:"ARN"`
	AccountID string `json:"accountId,omitempty"`
}

// TLSDetails as CloudTrail's.
type TLSDetails struct {
	TLSVersion               string `json:"tlsVersion,omitempty"`
	CipherSuite              string `json:"cipherSuite,omitempty"`
	ClientProvidedHostHeader string `json:"clientProvidedHostHeader,omitempty"`
}

// The sizes CloudTrail allows; what is longer is cut, so that no caller can fill the disk with one request.
const (
	maxText  = 1 << 10   // bytes of userAgent and errorMessage
	maxEvent = 256 << 10 // bytes of a whole event
)

// fill sets what every event must have.
func (e *Event) fill(now func() time.Time) {
	if e.EventVersion == "" {
		e.EventVersion = "1.11"
	}
	if e.EventCategory == "" {
		e.EventCategory = "Management"
	}
	if e.EventID == "" {
		e.EventID = newUUID()
	}
	if e.EventTime.IsZero() {
		e.EventTime = now()
	}
}

func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "")
}

// newUUID is a random UUID (RFC 9562 §5.4), the form of CloudTrail's event ids.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	for i, j := 0, 0; i < len(b); i++ {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out[j] = '-'
			j++
		}
		hex.Encode(out[j:], b[i:i+1])
		j += 2
	}
	return string(out[:])
}
