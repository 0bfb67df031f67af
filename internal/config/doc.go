// Package config reads levee.yaml. Nothing in it is required; what is there is
// read strictly. Load reports everything that is wrong at once, each as
//
//	levee.yaml:12: what is wrong; the mend
//
// Scalars carry their unit: durations 90s, sizes 128MiB, shares 0.5%, rates
// 50/s. ${NAME} inside a value reads the environment ($${NAME} stands for
// ${NAME} itself), and every secret KEY has a twin KEY_file that names a file,
// relative to the directory of levee.yaml.
//
// A Config is plain data: whoever holds one may read it from any goroutine.
package config
