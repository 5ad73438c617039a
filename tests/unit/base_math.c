/* Our elementary functions against the C library in long double, and their special cases.
   RUN ranks=1 */
#include "base/math.h"
#include "base/random.h"
#include "../tap.h"

static double relative(double ours, long double exact)
{
  if (exact == 0) return fabs(ours);
  return (double)fabsl(((long double)ours - exact) / exact);
}

static double uniform(uint64_t index, double low, double high)
{
  return low + (high - low) * random_uniform(1, RANDOM_LAST, index);
}

static void test_exp_log(void)
{
  double worst_exp = 0;
  double worst_log = 0;
  for (uint64_t i = 0; i < 50000; i++) {
    const double x = uniform(i, -700, 700);
    worst_exp = fmax(worst_exp, relative(math_exp(x), expl((long double)x)));
    const double near = uniform(i, -1, 1) * ldexp(1, -(int)(i % 40));
    worst_exp = fmax(worst_exp, relative(math_exp(near), expl((long double)near)));
    const double wide = exp(x);
    worst_log = fmax(worst_log, relative(math_log(wide), logl((long double)wide)));
    const double one = 1 + near / 2;
    worst_log = fmax(worst_log, relative(math_log(one), logl((long double)one)));
  }
  OK(worst_exp < 5e-16, "exp is within %.3g", worst_exp);
  OK(worst_log < 5e-16, "log is within %.3g", worst_log);
  OK(math_exp(0) == 1 && math_exp(-800) == 0 && isinf(math_exp(710)) &&
         isnan(math_exp((double)NAN)),
     "exp at its limits");
  OK(relative(math_exp(-744.5), expl(-744.5L)) < 0.3, "exp in the subnormal range");
  OK(relative(math_log(0x1p-1070), logl(0x1p-1070L)) < 5e-16, "log of a subnormal number");
  OK(math_log(1) == 0 && isinf(math_log(0)) && math_log(0) < 0 && isnan(math_log(-1)) &&
         isinf(math_log((double)INFINITY)) && isnan(math_log((double)NAN)),
     "log at its limits");
}

static void test_sin_cos(void)
{
  double worst = 0;
  for (uint64_t i = 0; i < 100000; i++) {
    const double x = i % 2 ? uniform(i, -7, 7) : uniform(i, -0x1p22, 0x1p22);
    worst = fmax(worst, relative(math_cos(x), cosl((long double)x)));
    worst = fmax(worst, relative(math_sin(x), sinl((long double)x)));
  }
  for (int k = 1; k < 100000; k += 7) {
    const double x = k * 1.5707963267948966; /* the hardest: beside every zero */
    worst = fmax(worst, relative(math_cos(x), cosl((long double)x)));
    worst = fmax(worst, relative(math_sin(x), sinl((long double)x)));
  }
  OK(worst < 5e-16, "sin and cos are within %.3g", worst);
  OK(math_cos(0) == 1 && math_sin(0) == 0, "at zero");
  OK(isnan(math_cos(0x1p23)) && isnan(math_sin((double)INFINITY)) && isnan(math_sin((double)NAN)),
     "outside the range: NaN");
}

static void test_pow(void)
{
  double worst = 0;
  for (uint64_t i = 0; i < 100000; i++) {
    const double x = math_exp(uniform(3 * i, -1, 1) * (i % 2 ? 300 : 1e-3));
    const double y = uniform(3 * i + 1, -700, 700) / fabs(log(x));
    worst = fmax(worst, relative(math_pow(x, y), powl((long double)x, (long double)y)));
    const double t = (double)random_below(2, RANDOM_LAST, i, 100000);
    worst = fmax(worst, relative(math_pow(0.999, t), powl(0.999, (long double)t)));
  }
  OK(worst < 5e-16, "pow is within %.3g", worst);
  static const double value[] = {0,
                                 -0.0,
                                 1,
                                 -1,
                                 0.5,
                                 -0.5,
                                 2,
                                 -2,
                                 3,
                                 -3,
                                 1e300,
                                 -1e300,
                                 1e-300,
                                 (double)INFINITY,
                                 -(double)INFINITY,
                                 (double)NAN};
  const int count = (int)(sizeof(value) / sizeof(value[0]));
  int wrong = 0;
  for (int i = 0; i < count; i++)
    for (int j = 0; j < count; j++) {
      const double ours = math_pow(value[i], value[j]);
      const double theirs = pow(value[i], value[j]);
      const bool same = isnan(theirs)   ? isnan(ours)
                        : isinf(theirs) ? ours == theirs
                                        : fabs(ours - theirs) <= 5e-16 * fabs(theirs) &&
                                              !signbit(ours) == !signbit(theirs);
      wrong += !same;
    }
  OK(wrong == 0, "pow's special cases are C's");
}

static void test_student(void)
{
  static const struct {
    double p, nu, t;
  } known[] = {{.975, 1, 12.706204736174698},   {.975, 2, 4.3026527297494637},
               {.975, 3, 3.1824463052837078},   {.975, 7, 2.3646242515927849},
               {.6, 4, .27072229470759742},     {.9999, 2.5, 34.867969321116306},
               {.975, 1e5, 1.9599877075346095}, {.75, 1, 1}};
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    const double t = math_student_quantile(known[i].p, known[i].nu);
    OK(relative(t, (long double)known[i].t) < 1e-12, "quantile %g of %g degrees of freedom: %.15g",
       known[i].p, known[i].nu, t);
  }
  OK(math_student_quantile(.5, 3) == 0, "median");
  OK(math_student_quantile(.25, 5) == -math_student_quantile(.75, 5), "symmetric");
  OK(isnan(math_student_quantile(1, 3)) && isnan(math_student_quantile(0, 3)) &&
         isnan(math_student_quantile(.5, 0)),
     "outside its domain: NaN");
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  test_exp_log();
  test_sin_cos();
  test_pow();
  test_student();
  return TestEnd();
}
