/* Elementary functions of our own: plain double operations in a fixed order, so that a result file
   holds the same bits under every C library. Each agrees with the exact value within 2e-15 of it.
 */
#pragma once

/* e to the power x; 0 below -745.2, infinite above 709.8, NaN for NaN. Not collective. */
double math_exp(double x);

/* Natural logarithm of x; -infinity at 0, NaN below 0. Not collective. */
double math_log(double x);

/* x to the power y, with the special cases of C's pow. Not collective. */
double math_pow(double x, double y);

/* Cosine of x radians, |x| <= 2^22; NaN outside. Not collective. */
double math_cos(double x);

/* Sine of x radians, |x| <= 2^22; NaN outside. Not collective. */
double math_sin(double x);

/*
  math_student_quantile - the value that Student's t with nu degrees of freedom stays below with
  probability p

  Solves I(t) = p by safeguarded Newton steps, I being the regularised incomplete beta function as a
  continued fraction (Abramowitz and Stegun 26.5.8, 26.7.1). Relative error below 1e-10 for nu up to
  1e5.

  Not collective.

  in   p    in (0, 1); NaN is returned outside
  in   nu   degrees of freedom, above 0, whole or not; NaN is returned otherwise
*/
double math_student_quantile(double p, double nu);

/*
  math_student_tail - the probability that Student's t with nu degrees of freedom exceeds t

  The same continued fraction; relative error below 1e-12 for t >= 0 and nu up to 1e5.

  Not collective.

  in   t    NaN gives NaN
  in   nu   degrees of freedom, above 0, whole or not; NaN is returned otherwise
*/
double math_student_tail(double t, double nu);
