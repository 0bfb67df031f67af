package standin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
)

// caller is who asks, and how they proved it.
type caller struct {
	name    string
	byToken bool
	session string // value of the session cookie that came with the request
}

// authenticate answers 401 or 403 itself and returns false when the caller may
// not go on.
func (j *Jenkins) authenticate(w http.ResponseWriter, r *http.Request) (caller, bool) {
	var c caller
	if cookie, err := r.Cookie(j.cookie); err == nil {
		c.session = cookie.Value
	}
	if len(j.o.Users) == 0 {
		c.name, c.byToken = "anonymous", true
		return c, true
	}
	name, secret, given := r.BasicAuth()
	if !given {
		j.forbidden(w, r)
		return c, false
	}
	for _, u := range j.o.Users {
		if u.Name != name {
			continue
		}
		c.name = name
		if u.Token != "" && equal(u.Token, secret) {
			c.byToken = true
			return c, true
		}
		if u.Password != "" && equal(u.Password, secret) {
			return c, true
		}
	}
	w.Header().Set("Set-Cookie", "remember-me=; Path=/; Expires=Thu, 01-Jan-1970 00:00:00 GMT; Max-Age=0")
	w.Header().Set("WWW-Authenticate", `Basic realm="Jenkins"`)
	jettyError(w, r, http.StatusUnauthorized, "Unauthorized")
	return c, false
}

// session makes sure that the caller holds a session cookie and returns its
// value.
func (j *Jenkins) ensureSession(w http.ResponseWriter, c caller) string {
	if c.session != "" {
		return c.session
	}
	value := "node0" + random(12) + ".node0"
	w.Header().Add("Set-Cookie", j.cookie+"="+value+"; Path=/; HttpOnly")
	w.Header().Set("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")
	return value
}

// crumb is bound to the user and the session.
func (j *Jenkins) crumb(user, session string) string {
	sum := sha256.Sum256([]byte(user + "\x00" + session + "\x00" + j.salt))
	return hex.EncodeToString(sum[:])
}

// crumbed reports whether a POST may go on; it answers 403 itself when not.
func (j *Jenkins) crumbed(w http.ResponseWriter, r *http.Request, c caller) bool {
	if c.byToken {
		return true
	}
	given := r.Header.Get("Jenkins-Crumb")
	if given != "" && c.session != "" && equal(given, j.crumb(c.name, c.session)) {
		return true
	}
	if given != "" {
		j.ensureSession(w, c)
	}
	jettyError(w, r, http.StatusForbidden, "No valid crumb was included in the request")
	return false
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
