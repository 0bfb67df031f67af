package station

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"levee/detect/logline"
	"levee/internal/config"
	"levee/internal/source"
)

// syslog builds a syslog listener.
func syslog(s config.Source, parse logline.Options, i int) (source.Input, error) {
	o := source.SyslogOptions{Name: s.Label(), URL: string(s.Syslog), Parse: parse, Input: i}
	if strings.HasPrefix(o.URL, "tls://") {
		conf, err := listenTLS(s.TLS)
		if err != nil {
			return nil, err
		}
		o.TLS = conf
	}
	return source.Syslog(o)
}

// listenTLS reads a listener's certificate and, when senders must show one of
// their own, the authority that signed theirs.
func listenTLS(t config.TLS) (*tls.Config, error) {
	if t.Cert == "" || t.Key == "" {
		return nil, fmt.Errorf("a tls listener needs tls: {cert: FILE, key: FILE}")
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, fmt.Errorf("read certificate %s with key %s: %w", t.Cert, t.Key, err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if t.ClientCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(t.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("read tls.client_ca: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls.client_ca %s holds no certificate; give the PEM file of the authority", t.ClientCA)
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c, nil
}
