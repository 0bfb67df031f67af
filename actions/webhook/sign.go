package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Headers of a signed request.
const (
	TimestampHeader = "X-Levee-Timestamp" // Unix seconds
	SignatureHeader = "X-Levee-Signature" // "sha256=" and hexadecimal digits
)

// Sign returns the signature of body at a time: HMAC-SHA-256 (RFC 2104) under
// secret over the Unix seconds in decimal, a dot, and the body.
func Sign(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(strconv.AppendInt(nil, at.Unix(), 10))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Verify is what a receiver does: it returns an error unless body was signed
// with secret at most tolerance before or after now.
func Verify(secret string, header http.Header, body []byte, now time.Time, tolerance time.Duration) error {
	seconds, err := strconv.ParseInt(header.Get(TimestampHeader), 10, 64)
	if err != nil {
		return fmt.Errorf("%s is no time", TimestampHeader)
	}
	at := time.Unix(seconds, 0)
	if now.Sub(at).Abs() > tolerance {
		return fmt.Errorf("signed at %s: too long ago or ahead", at.UTC().Format(time.RFC3339))
	}
	if !hmac.Equal([]byte(header.Get(SignatureHeader)), []byte(Sign(secret, at, body))) {
		return errors.New("the signature does not fit")
	}
	return nil
}
