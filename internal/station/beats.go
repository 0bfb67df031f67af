package station

import (
	"levee/detect/logline"
	"levee/internal/config"
	"levee/internal/source"
)

// beats listens for Filebeat and Logstash, over TLS when a certificate is
// given.
func beats(s config.Source, parse logline.Options, i int) (source.Input, error) {
	o := source.BeatsOptions{Name: s.Label(), Address: string(s.Beats), Parse: parse, Input: i}
	if s.TLS.Cert != "" || s.TLS.Key != "" || s.TLS.ClientCA != "" {
		conf, err := listenTLS(s.TLS)
		if err != nil {
			return nil, err
		}
		o.TLS = conf
	}
	return source.Beats(o)
}
