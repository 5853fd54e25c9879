"""What other programs call a field or an option of this one; knows no torch.

A field is written as `--set` takes it: `optimizer.` and `network.` mean every player's.
"""

import re

_TO_FIELD = {
    "schedule.discriminator_steps": (
        "n_critic,n_dis,n_disc,n_discriminator,n_d,num_critic,critic,critic_iters"
        ",critic_steps,critic_updates,d_iters,d_steps,d_updates,disc_iters,disc_steps"
        ",dis_steps,k_d,discriminator_iters,discriminator_updates,num_d_steps,dis_iters"
    ),
    "schedule.steps": (
        "niter,n_iter,n_iters,iters,iterations"
        ",max_iter,max_iters,max_iterations,num_iters,num_iterations,num_steps,max_steps"
        ",total_steps,total_iters,training_steps,train_steps,step,kimg,total_kimg,g_steps"
    ),
    "schedule.epochs": "n_epochs,num_epochs,max_epochs,nepochs,epoch,training_epochs,total_epochs",
    "schedule.batch_size": (
        "batch,bs,batchsize,batch_sz,minibatch,minibatch_size,mb_size,train_batch_size,batches"
    ),
    "schedule.generator_batch_size": "g_batch_size,gen_batch_size,batch_size_g",
    "schedule.ema_decay": (
        "ema,ema_beta,ema_rate,ema_kimg,ema_momentum,moving_average,average,beta_ema"
    ),
    "schedule.lr_decay_start": (
        "lr_decay,decay,decay_start,lr_decay_epoch,decay_epoch,lr_schedule,scheduler,lr_scheduler"
    ),
    "schedule.warmup": "warmup_steps,critic_warmup",
    "schedule.log_every": "log_interval,log_freq,print_freq,log_step,display_freq",
    "schedule.preview_every": (
        "sample_every,sample_interval,sample_freq,snap,sample_step,image_snapshot_ticks"
    ),
    "schedule.checkpoint_every": (
        "save_every,save_interval,save_freq,checkpoint_interval,checkpoint_freq,save_step"
        ",network_snapshot_ticks,snapshot_every"
    ),
    "schedule.evaluate_every": (
        "fid_every,eval_every,eval_interval,eval_freq,evaluate,evaluation_every,metrics_every"
    ),
    "schedule.evaluate_count": "fid_count,num_eval,eval_count,n_fid,num_fid",
    "optimizer.lr": "learning_rate,learningrate,base_lr,alpha_lr,step_size,lr0,init_lr",
    "discriminator.optimizer.lr": (
        "lr_d,lrd,d_lr,dlr,lr_disc,disc_lr,dis_lr,lr_dis,critic_lr,d_learning_rate"
        ",discriminator_lr,learning_rate_d,lr_discriminator,lr_critic"
    ),
    "generator.optimizer.lr": (
        "lr_g,lrg,g_lr,glr,lr_gen,gen_lr,g_learning_rate,generator_lr,learning_rate_g,lr_generator"
    ),
    "optimizer.betas": (
        "beta1,beta2,beta_1,beta_2,beta,b1,b2,adam_beta1,adam_beta2,adam_betas,beta0,adam_beta"
    ),
    "optimizer.eps": "epsilon,adam_eps",
    "optimizer.momentum": "sgd_momentum",
    "optimizer.alpha": "rho,rmsprop_alpha",
    "optimizer.kind": ("optim,opt,optimiser,optimizer_type,optimizer_name,optimizer_kind,solver"),
    "prior.z_dim": (
        "latent_dim,latent,latents,nz,zdim,z_size,dim_z,noise_dim,noise_size,latent_size"
        ",latent_dims,n_latent,code_dim,z,latent_dimension,dim_latent,n_z,noise"
    ),
    "prior.distribution": "noise_type,z_distribution,latent_distribution,noise_distribution",
    "prior.truncation": "truncation_psi,psi,trunc",
    "prior.categories": "n_categories,cat_dim,num_categories,dis_c_dim,n_cat",
    "prior.codes": "n_codes,cont_dim,num_codes,con_c_dim,latent_codes,n_cont",
    "generator.network.dim": (
        "ngf,gf_dim,g_dim,g_conv_dim,g_ch,ch_g,g_channels,gen_width,g_width,fmap_base,cbase"
        ",g_nf,nf_g"
    ),
    "discriminator.network.dim": (
        "ndf,df_dim,d_dim,d_conv_dim,d_ch,ch_d,d_channels,disc_width,d_width,d_nf,nf_d"
    ),
    "network.dim": (
        "ch,channel_base,channel_multiplier,base_channels,n_filters,nf,hidden,hidden_dim"
        ",hidden_size,hidden_units,units,width,filters,num_filters,features,channels_g"
    ),
    "network.norm": (
        "normalization,normalisation,batch_norm,batchnorm,bn,use_bn,norm_layer,norm_type"
    ),
    "network.spectral": "spectral_norm,sn,use_sn,spectral_normalization,specnorm,spectralnorm",
    "network.init": (
        "init_spectral,initialization,initialisation,init_type,weight_init,initializer,init_weights"
    ),
    "network.slope": "leaky,leaky_slope,lrelu,negative_slope,leaky_relu,lrelu_slope",
    "network.family": "architecture,arch,net,network_type,backbone",
    "generator.network.condition": "conditional,cond,cbn",
    "objective.gradient_penalty.weight": (
        "lambda_gp,gp_weight,gp_lambda,gp,lambda,gp_coeff,gradient_penalty_weight,lambda_grad"
        ",grad_penalty,gradient_penalty,lambda_,gp_lambda_weight,lambda_term,lambda_pen"
    ),
    "objective.r1.weight": "r1_gamma,gamma,r1_weight,r1_lambda,r1_reg,lambda_r1,gamma_r1,r1",
    "objective.r2.weight": "r2_gamma,r2_weight,r2_lambda,lambda_r2,gamma_r2,r2",
    "objective.weight_clip.bound": (
        "clip,clip_value,clip_c,clamp,clipping,weight_clip,clip_limit,weight_clipping"
        ",clamp_value,c,clipvalue,clamp_upper,clamp_lower"
    ),
    "objective.vanilla.real_target": (
        "label_smoothing,smoothing,smooth,real_label,one_sided_label_smoothing,soft_labels"
    ),
    "objective.class_loss.weight": "lambda_cls,aux_weight,ac_weight,cls_weight,lambda_aux",
    "objective.mutual_information.weight": "lambda_info,info_weight,lambda_mi,mi_weight",
    "objective.augmentation": "augment,aug,ada,diffaugment,diff_aug",
    "discriminator.frozen": "freeze,freeze_d,freezed,freeze_layers,frozen_layers,free_d",
    "generator.frozen": "freeze_g,freeze_generator",
    "data.size": (
        "image_size,imsize,img_size,resolution,res,imagesize,im_size,crop_size,load_size,fine_size"
    ),
    "data.channels": "nc,n_channels,num_channels,img_channels,in_channels,image_channels",
    "data.flip": "hflip,mirror,random_flip,horizontal_flip,x_flip,xflip",
    "data.noise": "instance_noise,input_noise,noise_std",
}
_TO_OPTION = {
    "--seed": "manual_seed,manualseed,random_seed,seed",
    "--device": "gpu,gpus,cuda,no_cuda,gpu_id,gpu_ids,device,use_cuda",
    "--precision": "fp16,amp,bf16,half,mixed_precision,dtype,precision,use_amp",
    "--threads": (
        "workers,num_workers,n_workers,threads,nworkers,n_cpu,n_threads,num_threads,jobs"
    ),
    "--out": (
        "outdir,out_dir,output,output_dir,outf,save_dir,log_dir,logdir,result_dir,results"
        ",save_path,out,experiment,run_dir"
    ),
    "--dataset": "data,dataroot,data_root,data_path,datapath,root,input_dir,dataset,data_dir",
    "--resume": (
        "continue,continue_train,load,resume_from,ckpt,from_checkpoint,restart,resume"
        ",load_checkpoint"
    ),
    "--from": (
        "pretrained,finetune,fine_tune,finetune_from,start_from,init_from,initial_weights"
        ",load_weights,transfer,warm_start,pretrained_path"
    ),
    "--tensorboard": "tb,tensorboard,use_tensorboard",
    "--log": "wandb,use_wandb,report_to,logger,trackio",
    "--on-nan": "skip_nan,detect_nan,on_nan",
    "--skip-broken": "skip_broken",
    "--deterministic": "deterministic,cudnn_deterministic",
}
FIELD_NAMED = {name: field for field, names in _TO_FIELD.items() for name in names.split(",")}
"""A name elsewhere -> the field here."""
OPTION_NAMED = {name: option for option, names in _TO_OPTION.items() for name in names.split(",")}
"""A name elsewhere -> the option of `gan train`."""


def plain_name(name: str) -> str:
    """A name as the tables hold it: `--nCritic` and `n-critic` are n_critic."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.lstrip("-")).replace("-", "_")
    return snake.lower()
