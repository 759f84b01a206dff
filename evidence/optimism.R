# Optimism-corrected figures of plain logistic regression by R: reference values for the project's
# tests/validation/test_optimism.py, which need no R. By hand, from the template's root:
#
#     apt-get install -y r-cran-rms r-cran-proc && Rscript evidence/optimism.R
#
# It prints what is copied there, in about fifteen minutes. Harrell, Lee and Mark, Stat Med
# 1996;15:361-387; DeLong et al., Biometrics 1988;44:837-845.
suppressPackageStartupMessages({
  library(rms)
  library(pROC)
})
SAMPLES <- 10000
COLUMNS <- c("age", "sex", "cp", "exang", "oldpeak") # recorded for nearly everybody
DATA <- "{{cookiecutter.project_slug}}/src/risk_model/data/embedded/heart_disease_uci.csv.gz"

log_loss <- function(y, p) -mean(ifelse(y == 1, log(p), log1p(-p)))
in_the_large <- function(y, p) coef(glm(y ~ 1, offset = qlogis(p), family = binomial))[[1]]

# rms::validate gives Dxy (AUROC is (Dxy + 1) / 2), the calibration line and the Brier score, by
# `method` "boot" on the original rows, by ".632" on those that a sample left out.
by_rms <- function(fit, method) {
  set.seed(1)
  table <- validate(fit, method = method, B = SAMPLES)[c("Dxy", "Intercept", "Slope", "B"), ]
  source <- paste("rms", method)
  data.frame(source = source, metric = rownames(table), unclass(table), row.names = NULL)
}

# What rms does not report, by a loop over glm: AUROC by pROC, log loss, calibration in the large.
by_loop <- function(frame, samples) {
  figures <- function(fit, rows) {
    p <- predict(fit, rows, type = "response")
    area <- as.numeric(auc(rows$outcome, p, direction = "<", levels = c(0, 1), quiet = TRUE))
    c(auroc = area, log_loss = log_loss(rows$outcome, p), citl = in_the_large(rows$outcome, p))
  }
  model <- function(rows) glm(outcome ~ age + sex + cp + exang + oldpeak, binomial, rows)
  set.seed(2)
  original <- figures(model(frame), frame)
  draws <- replicate(samples, {
    sample <- frame[sample.int(nrow(frame), replace = TRUE), ]
    fit <- model(sample)
    rbind(training = figures(fit, sample), test = figures(fit, frame))
  })
  training <- rowMeans(draws["training", , ])
  test <- rowMeans(draws["test", , ])
  data.frame(
    source = "loop", metric = names(original), index.orig = original, training = training,
    test = test, optimism = training - test, index.corrected = original - (training - test),
    n = samples, row.names = NULL
  )
}

frame <- read.csv(gzfile(DATA), na.strings = "")
frame$outcome <- as.integer(frame$num > 0)
frame <- frame[complete.cases(frame[COLUMNS]), c(COLUMNS, "outcome")]
for (name in c("sex", "cp", "exang")) frame[[name]] <- factor(frame[[name]])
fit <- lrm(outcome ~ age + sex + cp + exang + oldpeak, frame, x = TRUE, y = TRUE)
result <- rbind(by_rms(fit, "boot"), by_rms(fit, ".632"), by_loop(frame, SAMPLES))
area <- ci.auc(roc(frame$outcome, predict(fit, type = "fitted"), direction = "<", levels = c(0, 1)))
versions <- sapply(c("rms", "pROC"), function(name) as.character(packageVersion(name)))

numbers <- sapply(result, is.numeric)
result[numbers] <- signif(result[numbers], 8)
cat(R.version.string, ", rms ", versions[["rms"]], ", pROC ", versions[["pROC"]], "\n", sep = "")
cat(nrow(frame), "rows,", sum(frame$outcome), "events\n")
cat(sprintf("pROC, AUROC with DeLong's interval: %.8f, %.8f to %.8f\n", area[2], area[1], area[3]))
write.csv(result, quote = FALSE, row.names = FALSE)
